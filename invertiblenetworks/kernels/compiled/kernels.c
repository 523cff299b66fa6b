/* Kernels of conditioners, convolutions, mixing, copies, reflections and couplings, for both
   floating types.

   Compiled once per set of vector instructions; `library.py` chooses among the results.
   Memory comes from the caller, nothing is kept but threads, and nothing is checked. */

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

#include "team.h"

/* An argument of a function. */
typedef union {
  void *address;
  int64_t number;
  double real;
} Word;

/* What the caller says of the images; all sizes in numbers, not bytes. */
typedef struct {
  integer n_samples, spatial[3], margin[3];
  integer n_in, n_hidden, n_out;   /* channels */
  integer x_sample, x_channel;     /* from one to the next, of the images */
  integer y_sample, y_channel;     /* of the result, or of its cotangent */
  integer panels_of_tile;          /* over which gradients are summed at a time */
  integer n_parts;                 /* for threads */
} Shape;

typedef struct {
  integer sample, channel; /* from one to the next; pixels have no gaps */
} Strides;

/* Rows of numbers, channel by channel, for what is done to each number. A value is read
   and a result written; a cotangent of the one is read, and that of the other written. */
typedef struct {
  integer n_samples, n_channels, n_pixels;
  integer pixels_are_samples;      /* the batch is on the axis of pixels */
  integer shift_of_p, shift_of_dp; /* from the first half of channels to the second */
  Strides of_value, of_p, of_result, of_cotangent, of_dp, of_dresult;
  integer n_parts; /* for threads */
} Rows;

/* Kinds of activations, numbered as in `activation_base.py`. */
enum { TWO_SLOPES, TANH, LOGISTIC, SOFTPLUS, EXP_ARCTAN };

#define MOST_AXES 8

/* An array with any strides. */
typedef struct {
  integer sizes[MOST_AXES], strides[MOST_AXES];
  integer n_parts; /* for threads */
} Layout;

/* Changes with every argument of a function and every field of a struct. */
int interface_version(void) { return 5; }

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
#define REAL_IS_DOUBLE 0
#define BITS int32_t
#define NAME(name) name##_float32
#include "panels_of_type.h"
#include "parts_of_type.h"
#include "matrices_of_type.h"
#include "elementary_of_type.h"
#include "activations_of_type.h"
#include "products_of_type.h"
#include "windows_of_type.h"
#include "lines_of_type.h"
#include "line_products_of_type.h"
#include "components_of_type.h"
#include "block_of_type.h"
#include "convolution_of_type.h"
#include "mixing_of_type.h"
#include "copying_of_type.h"
#include "householder_of_type.h"
#include "scales_of_type.h"
#include "coupling_of_type.h"
#include "entries_of_type.h"
#undef REAL
#undef REAL_IS_DOUBLE
#undef BITS
#undef NAME
#undef LANES
#undef WIDTH
#undef WITH_VECTORS
#undef WITH_SCALE
#undef N_OF
#undef NEGLIGIBLE
#undef CHAIN
#undef MANY_TILES
#undef COMPONENTS
#undef LINES
#undef PLACES
#undef TO_LINES

#define REAL double
#define REAL_IS_DOUBLE 1
#define BITS int64_t
#define NAME(name) name##_float64
#include "panels_of_type.h"
#include "parts_of_type.h"
#include "matrices_of_type.h"
#include "elementary_of_type.h"
#include "activations_of_type.h"
#include "products_of_type.h"
#include "windows_of_type.h"
#include "lines_of_type.h"
#include "line_products_of_type.h"
#include "components_of_type.h"
#include "block_of_type.h"
#include "convolution_of_type.h"
#include "mixing_of_type.h"
#include "copying_of_type.h"
#include "householder_of_type.h"
#include "scales_of_type.h"
#include "coupling_of_type.h"
#include "entries_of_type.h"
