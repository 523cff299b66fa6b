/* Turns CUDA C++ into host C++: included in front of every kernel that is compiled. */

#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <math.h>
#include <tuple>
#include <utility>

/* NVIDIA's headers for half precision ask for the version of the CUDA compiler. */
#define __CUDACC_VER_MAJOR__ 13
#define __CUDACC_VER_MINOR__ 0
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <vector_functions.h>
#include <vector_types.h>

/* Blocks run one after another, so what the threads of a block share may be static. */
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

#include "cuda_threads.h"

#include "cuda_intrinsics.h"
