/* The functions that CUDA gives to kernels, written for the host. */

#pragma once

/* ---- barriers -------------------------------------------------------------------- */

static inline void __syncthreads() { emulation::pause(emulation::FOR_BLOCK); }
static inline void __syncwarp(unsigned mask = ~0u) {
    emulation::pause(emulation::FOR_WARP);
}
static inline void __threadfence() {}
static inline void __threadfence_block() {}
static inline void __threadfence_system() {}

/* ---- exchange within a warp ------------------------------------------------------ */

namespace emulation {

static uint64_t exchanged[MAX_THREADS];

static int lane() { return current % warpSize; }
static int first_of_warp() { return current - lane(); }

/* Return the value that the thread in lane `source` brought to this exchange. */
template <class T> static T exchange(T value, int source) {
    static_assert(sizeof(T) <= sizeof(uint64_t), "a shuffle moves at most 64 bits");
    int thread = first_of_warp() + source;
    if (thread >= threads_in_block) thread = current;
    memcpy(&exchanged[current], &value, sizeof value);
    pause(FOR_WARP);
    T result;
    memcpy(&result, &exchanged[thread], sizeof result);
    pause(FOR_WARP);
    return result;
}

/* The first lane of the group of `width` lanes that this thread belongs to. */
static int first_of_group(int width) { return lane() / width * width; }

} // namespace emulation

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = warpSize) {
    return emulation::exchange(value,
                               emulation::first_of_group(width) + source % width);
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = warpSize) {
    int source = emulation::lane() + distance;
    bool outside = source >= emulation::first_of_group(width) + width;
    return emulation::exchange(value, outside ? emulation::lane() : source);
}

template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = warpSize) {
    int source = emulation::lane() - (int)distance;
    bool outside = source < emulation::first_of_group(width);
    return emulation::exchange(value, outside ? emulation::lane() : source);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int flipped, int width = warpSize) {
    return emulation::exchange(value, emulation::lane() ^ flipped);
}

/* ---- atomic operations: threads take turns, so nothing can come between ---------- */

#define EMULATE_ATOMIC(name, new_value)                                                \
    template <class T, class U> static inline T name(T *address, U operand) {          \
        T old = *address, value = (T)operand;                                          \
        *address = (new_value);                                                        \
        return old;                                                                    \
    }

EMULATE_ATOMIC(atomicAdd, old + value)
EMULATE_ATOMIC(atomicSub, old - value)
EMULATE_ATOMIC(atomicMax, value > old ? value : old)
EMULATE_ATOMIC(atomicMin, value < old ? value : old)
EMULATE_ATOMIC(atomicExch, value)
EMULATE_ATOMIC(atomicOr, old | value)
EMULATE_ATOMIC(atomicAnd, (old & value))
EMULATE_ATOMIC(atomicXor, old ^ value)

template <class T, class U, class V>
static inline T atomicCAS(T *address, U expected, V value) {
    T old = *address;
    if (old == (T)expected) *address = value;
    return old;
}

/* ---- memory access with a hint --------------------------------------------------- */

template <class T> static inline T __ldg(const T *address) { return *address; }
template <class T> static inline T __ldcs(const T *address) { return *address; }
template <class T> static inline void __stcs(T *address, T value) { *address = value; }

/* ---- bits ------------------------------------------------------------------------ */

static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
static inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __mul24(int a, int b) { return a * b; }
static inline int __mulhi(int a, int b) { return (int)(((long long)a * b) >> 32); }
static inline unsigned __umulhi(unsigned a, unsigned b) {
    return (unsigned)(((unsigned long long)a * b) >> 32);
}

#define EMULATE_BIT_CAST(name, To, From)                                               \
    static inline To name(From value) {                                                \
        To result;                                                                     \
        memcpy(&result, &value, sizeof result);                                        \
        return result;                                                                 \
    }

EMULATE_BIT_CAST(__float_as_int, int, float)
EMULATE_BIT_CAST(__int_as_float, float, int)
EMULATE_BIT_CAST(__float_as_uint, unsigned, float)
EMULATE_BIT_CAST(__uint_as_float, float, unsigned)
EMULATE_BIT_CAST(__double_as_longlong, long long, double)
EMULATE_BIT_CAST(__longlong_as_double, double, long long)

/* ---- arithmetic: fast and explicitly rounded forms are the ordinary ones --------- */

static inline float __expf(float x) { return expf(x); }
static inline float __logf(float x) { return logf(x); }
static inline float __powf(float x, float y) { return powf(x, y); }
static inline float __sinf(float x) { return sinf(x); }
static inline float __cosf(float x) { return cosf(x); }
static inline float __tanf(float x) { return tanf(x); }
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __frcp_rn(float x) { return 1.0f / x; }
static inline float __fsqrt_rn(float x) { return sqrtf(x); }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline double __dadd_rn(double a, double b) { return a + b; }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
static inline float __saturatef(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline float rsqrt(float x) { return 1.0f / sqrtf(x); }
static inline double rsqrt(double x) { return 1.0 / sqrt(x); }
static inline double rcbrt(double x) { return 1.0 / cbrt(x); }
static inline double sinpi(double x) { return sin(M_PI * x); }
static inline double cospi(double x) { return cos(M_PI * x); }
static inline double normcdf(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }
static inline float normcdff(float x) { return 0.5f * erfcf(-x * (float)M_SQRT1_2); }

/* ---- min and max, for every pair of types as in CUDA ----------------------------- */

#define EMULATE_MIN_MAX(T)                                                             \
    static inline T min(T a, T b) { return b < a ? b : a; }                            \
    static inline T max(T a, T b) { return a < b ? b : a; }

EMULATE_MIN_MAX(int)
EMULATE_MIN_MAX(unsigned)
EMULATE_MIN_MAX(long)
EMULATE_MIN_MAX(unsigned long)
EMULATE_MIN_MAX(long long)
EMULATE_MIN_MAX(unsigned long long)

static inline float min(float a, float b) { return fminf(a, b); }
static inline float max(float a, float b) { return fmaxf(a, b); }
static inline double min(double a, double b) { return fmin(a, b); }
static inline double max(double a, double b) { return fmax(a, b); }

template <class T, class U> static inline auto min(T a, U b) -> decltype(a + b) {
    using Common = decltype(a + b);
    return min((Common)a, (Common)b);
}

template <class T, class U> static inline auto max(T a, U b) -> decltype(a + b) {
    using Common = decltype(a + b);
    return max((Common)a, (Common)b);
}
