/* Kernels of conditioners and convolutions, for both floating types.

   Compiled once per set of vector instructions; `library.py` chooses among the results.
   Memory comes from the caller, nothing is kept, and nothing is checked. */

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef int64_t integer;

/* Registers decide how many sums are formed at a time. */
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define ROWS 8
#elif defined(__AVX2__) && defined(__FMA__)
#define VECTOR_BYTES 32
#define ROWS 4
#else
#error "needs AVX-512 or AVX2"
#endif

#define VECTORS 3 /* of a panel's row */
#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("GCC unroll 16")

/* What the caller says of the images; all sizes in numbers, not bytes. */
typedef struct {
  integer n_samples, spatial[3], margin[3];
  integer n_in, n_hidden, n_out;   /* channels */
  integer x_sample, x_channel;     /* from one to the next, of the images */
  integer y_sample, y_channel;     /* of the result, or of its cotangent */
  integer panels_of_tile;          /* over which gradients are summed at a time */
} Shape;

typedef struct {
  integer sample, channel; /* from one to the next; pixels have no gaps */
} Strides;

/* Changes with every argument of a function and every field of a struct. */
int interface_version(void) { return 1; }

int is_supported(void) {
  __builtin_cpu_init();
#if VECTOR_BYTES == 64
  return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#else
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
}

int bytes_of_panel_row(void) { return VECTORS * VECTOR_BYTES; }

#define REAL float
#define BITS int32_t
#define NAME(name) name##_float32
#include "panels_of_type.h"
#include "block_of_type.h"
#include "convolution_of_type.h"
#undef REAL
#undef BITS
#undef NAME
#undef LANES
#undef WIDTH

#define REAL double
#define BITS int64_t
#define NAME(name) name##_float64
#include "panels_of_type.h"
#include "block_of_type.h"
#include "convolution_of_type.h"
