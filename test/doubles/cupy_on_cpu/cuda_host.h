// CUDA C++ -> host C++ shim: one OS thread runs every CUDA thread of a launch.
#pragma once
#define EMU 1
#include <cmath>
#include <math.h>
#include <cstdint>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <cstdio>
#include <limits>
#include <utility>
#include <tuple>
#include <algorithm>
#include <vector>
#include <ucontext.h>
#include <csetjmp>
#define __CUDACC_VER_MAJOR__ 13
#define __CUDACC_VER_MINOR__ 0
#include <cuda_fp16.h>
#include <cuda_bf16.h>
#include <vector_types.h>
#include <vector_functions.h>
#undef __shared__
#undef __constant__
#undef __launch_bounds__
#undef __grid_constant__
#define __shared__ static
#define __constant__ static
#define __launch_bounds__(...)
#define __grid_constant__
#ifndef __forceinline__
#define __forceinline__ inline __attribute__((always_inline))
#endif
static uint3 threadIdx, blockIdx; static dim3 blockDim, gridDim; static const int warpSize = 32;
static char *emu_dynshared = nullptr;

// ---------------- scheduler ----------------
namespace emu {
// A CUDA thread that meets a barrier becomes a fiber: its own stack, entered once with setcontext, then switched with
// _setjmp/_longjmp (no system call).  Fibers live on across blocks and launches.
struct fiber { ucontext_t ctx; jmp_buf jb; char *stack; bool born, done; uint3 tid; int wait; };   // wait: 1 block barrier, 2 warp barrier
static std::vector<fiber *> fb; static jmp_buf main_jb; static int cur = -1, nthr = 0; static bool fibers = false;
static void *body_p; typedef void (*body_t)(void *); static body_t body_f;
static uint64_t slot_[1024];                                             // exchange slots for warp shuffles
__attribute__((noinline)) static void to_main() { fiber *f = fb[cur]; if (!_setjmp(f->jb)) _longjmp(main_jb, 1); }
static void entry() { for (;;) { body_f(body_p); fb[cur]->done = true; to_main(); } }
__attribute__((noinline)) static void to_fiber(int t) {
  cur = t; fiber *f = fb[t]; threadIdx = f->tid;
  if (!_setjmp(main_jb)) { if (f->born) _longjmp(f->jb, 1); f->born = true; setcontext(&f->ctx); } }
static inline void yield_(int why) {
  if (!fibers) { fprintf(stderr, "emu: barrier in a kernel that was not recognised as using barriers\n"); abort(); }
  fb[cur]->wait = why; to_main(); }
static int order_mode() { static int m = -1; if (m < 0) { const char *e = getenv("CUPY_ON_CPU_ORDER"); m = e ? atoi(e) : 0; } return m; }
static void run_block_fibers(int n) {
  while ((int)fb.size() < n) { fiber *f = new fiber(); f->stack = (char *)malloc(1 << 16); getcontext(&f->ctx);
    f->ctx.uc_stack.ss_sp = f->stack; f->ctx.uc_stack.ss_size = 1 << 16; makecontext(&f->ctx, (void (*)())entry, 0); fb.push_back(f); }
  nthr = n; fibers = true;
  for (int t = 0; t < n; t++) { fiber &f = *fb[t]; f.done = false; f.wait = 0;
    f.tid.x = t % blockDim.x; f.tid.y = (t / blockDim.x) % blockDim.y; f.tid.z = t / (blockDim.x * blockDim.y); }
  bool rev = order_mode() & 1;
  for (;;) {
    int alive = 0, blocked = 0, done = 0; bool progress = false;
    for (int k = 0; k < n; k++) { int t = rev ? n - 1 - k : k; if (!fb[t]->done && !fb[t]->wait) to_fiber(t); }
    for (int lo = 0; lo < n; lo += 32) {                                 // release complete warp barriers
      int hi = std::min(n, lo + 32), a = 0, b = 0; for (int t = lo; t < hi; t++) if (!fb[t]->done) { a++; b += fb[t]->wait == 2; }
      if (a && a == b) for (int t = lo; t < hi; t++) fb[t]->wait = 0; }
    for (int t = 0; t < n; t++) { if (fb[t]->done) { done++; continue; } alive++; blocked += fb[t]->wait == 1; progress |= !fb[t]->wait; }
    if (!alive) break;
    if (blocked == alive) { static bool warned;
      if (done && !warned) { warned = true; fprintf(stderr, "emu: %d threads left the kernel before a __syncthreads() that %d others reached\n", done, alive); }
      for (int t = 0; t < n; t++) if (!fb[t]->done) fb[t]->wait = 0; }
    else if (!progress) { fprintf(stderr, "emu: deadlock (divergent barriers)\n"); abort(); }
  }
  fibers = false;
}
template <class F, class Tup, size_t... I> static inline void call(F f, Tup &t, std::index_sequence<I...>) { f(*std::get<I>(t)...); }
template <bool BARRIER, class... A>
static void launch(void (*f)(A...), void **args, const unsigned *g, const unsigned *b, size_t sh) {
  size_t i = 0; std::tuple<typename std::remove_cv<typename std::remove_reference<A>::type>::type *...> ptrs{(typename std::remove_cv<typename std::remove_reference<A>::type>::type *)args[i++]...};
  gridDim = dim3(g[0], g[1], g[2]); blockDim = dim3(b[0], b[1], b[2]);
  std::vector<char> dyn(sh + 64); emu_dynshared = (char *)(((uintptr_t)dyn.data() + 63) & ~(uintptr_t)63);
  struct cl { void (*f)(A...); decltype(ptrs) *p; } c{f, &ptrs}; body_p = &c;
  body_f = [](void *q) { cl *c = (cl *)q; call(c->f, *c->p, std::index_sequence_for<A...>{}); };
  size_t nb = (size_t)g[0] * g[1] * g[2]; int nt = b[0] * b[1] * b[2]; bool rev = order_mode() & 2, trev = order_mode() & 1;
  for (size_t k = 0; k < nb; k++) { size_t q = rev ? nb - 1 - k : k;
    blockIdx.x = q % g[0]; blockIdx.y = (q / g[0]) % g[1]; blockIdx.z = q / ((size_t)g[0] * g[1]);
    if (sh) memset(emu_dynshared, 0xFF, sh);
    if (BARRIER) run_block_fibers(nt);
    else for (int j = 0; j < nt; j++) { int t = trev ? nt - 1 - j : j;
      threadIdx.x = t % b[0]; threadIdx.y = (t / b[0]) % b[1]; threadIdx.z = t / (b[0] * b[1]); body_f(body_p); } }
}
}
// ---------------- intrinsics ----------------
static inline void __syncthreads() { emu::yield_(1); }
static inline void __syncwarp(unsigned = ~0u) { emu::yield_(2); }
static inline void __threadfence() {} static inline void __threadfence_block() {} static inline void __threadfence_system() {}
template <class T> static inline T emu_xchg(T v, int src) { static_assert(sizeof(T) <= 8, "");
  memcpy(&emu::slot_[emu::cur], &v, sizeof v); emu::yield_(2); T r; memcpy(&r, &emu::slot_[src], sizeof r); emu::yield_(2); return r; }
static inline int emu_lane() { return emu::cur & 31; } static inline int emu_base() { return emu::cur & ~31; }
template <class T> T __shfl_sync(unsigned, T v, int l, int w = 32) { return emu_xchg(v, emu_base() + (emu_lane() & ~(w - 1)) + (l & (w - 1))); }
template <class T> T __shfl_down_sync(unsigned, T v, unsigned d, int w = 32) { int l = emu_lane(); int s = l + d; if ((s & ~(w - 1)) != (l & ~(w - 1))) s = l; s += emu_base(); if (s >= emu::nthr) s = emu::cur; return emu_xchg(v, s); }
template <class T> T __shfl_up_sync(unsigned, T v, unsigned d, int w = 32) { int l = emu_lane(); int s = l - (int)d; if (s < (l & ~(w - 1))) s = l; return emu_xchg(v, emu_base() + s); }
template <class T> T __shfl_xor_sync(unsigned, T v, int m, int w = 32) { int l = emu_lane() ^ m; int s = emu_base() + l; if (s >= emu::nthr) s = emu::cur; return emu_xchg(v, s); }
template <class T> static inline T __ldg(const T *p) { return *p; } template <class T> static inline T __ldcs(const T *p) { return *p; }
template <class T> static inline void __stcs(T *p, T v) { *p = v; }
static inline int __popc(unsigned x) { return __builtin_popcount(x); } static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x ? __builtin_clz(x) : 32; } static inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; } static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __mul24(int a, int b) { return a * b; } static inline int __mulhi(int a, int b) { return (int)(((long long)a * b) >> 32); } static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a * b) >> 32); }
#define EMU_BITS(name, TO, FROM) static inline TO name(FROM x) { TO r; memcpy(&r, &x, sizeof r); return r; }
EMU_BITS(__float_as_int, int, float) EMU_BITS(__int_as_float, float, int) EMU_BITS(__float_as_uint, unsigned, float) EMU_BITS(__uint_as_float, float, unsigned)
EMU_BITS(__double_as_longlong, long long, double) EMU_BITS(__longlong_as_double, double, long long)
static inline int __double2hiint(double d){ return (int)(__double_as_longlong(d) >> 32);} static inline int __double2loint(double d){ return (int)__double_as_longlong(d);} static inline double __hiloint2double(int h,int l){ return __longlong_as_double(((long long)h<<32)|(unsigned)l);}
static inline float __expf(float x) { return expf(x); } static inline float __logf(float x) { return logf(x); } static inline float __powf(float x, float y) { return powf(x, y); }
static inline float __sinf(float x){return sinf(x);} static inline float __cosf(float x){return cosf(x);} static inline float __tanf(float x){return tanf(x);}
static inline float __fdividef(float a, float b) { return a / b; } static inline float __frcp_rn(float a){return 1.f/a;} static inline float __fsqrt_rn(float a){return sqrtf(a);} static inline float __saturatef(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
static inline float __fmaf_rn(float a,float b,float c){return fmaf(a,b,c);} static inline double __fma_rn(double a,double b,double c){return fma(a,b,c);}
static inline float __fadd_rn(float a,float b){return a+b;} static inline float __fmul_rn(float a,float b){return a*b;} static inline double __dadd_rn(double a,double b){return a+b;} static inline double __dmul_rn(double a,double b){return a*b;}
static inline double rsqrt(double x) { return 1.0 / sqrt(x); } static inline float rsqrt(float x) { return 1.0f / sqrtf(x); } static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); } static inline double rcbrt(double x){return 1.0/cbrt(x);}
static inline double sinpi(double x){return sin(M_PI*x);} static inline double cospi(double x){return cos(M_PI*x);} static inline double exp10_(double x){return pow(10.0,x);}
static inline double normcdf(double x){return 0.5*erfc(-x*M_SQRT1_2);} static inline float normcdff(float x){return 0.5f*erfcf(-x*(float)M_SQRT1_2);}
#define EMU_MM(T) static inline T min(T a, T b) { return b < a ? b : a; } static inline T max(T a, T b) { return a < b ? b : a; }
EMU_MM(int) EMU_MM(unsigned) EMU_MM(long) EMU_MM(unsigned long) EMU_MM(long long) EMU_MM(unsigned long long)
static inline float min(float a, float b) { return fminf(a, b); } static inline float max(float a, float b) { return fmaxf(a, b); }
static inline double min(double a, double b) { return fmin(a, b); } static inline double max(double a, double b) { return fmax(a, b); }
template <class T, class U> static inline auto min(T a, U b) -> decltype(a + b) { return min((decltype(a + b))a, (decltype(a + b))b); }
template <class T, class U> static inline auto max(T a, U b) -> decltype(a + b) { return max((decltype(a + b))a, (decltype(a + b))b); }
template <class T, class U> static inline T atomicAdd(T *p, U v) { T o = *p; *p = o + (T)v; return o; }
template <class T, class U> static inline T atomicSub(T *p, U v) { T o = *p; *p = o - (T)v; return o; }
template <class T, class U> static inline T atomicMax(T *p, U v) { T o = *p; if ((T)v > o) *p = v; return o; }
template <class T, class U> static inline T atomicMin(T *p, U v) { T o = *p; if ((T)v < o) *p = v; return o; }
template <class T, class U> static inline T atomicExch(T *p, U v) { T o = *p; *p = v; return o; }
template <class T, class U, class V> static inline T atomicCAS(T *p, U c, V v) { T o = *p; if (o == (T)c) *p = v; return o; }
template <class T, class U> static inline T atomicOr(T *p, U v) { T o = *p; *p = o | v; return o; }
template <class T, class U> static inline T atomicAnd(T *p, U v) { T o = *p; *p = o & v; return o; }
template <class T, class U> static inline T atomicXor(T *p, U v) { T o = *p; *p = o ^ v; return o; }
