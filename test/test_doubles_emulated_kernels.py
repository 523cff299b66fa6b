"""CUDA kernels run on the CPU, thread by thread."""

from __future__ import annotations

import cupy as cp
import numpy as np
import pytest
from doubles import cupy_on_cpu
from numpy.testing import assert_allclose, assert_array_equal

BLOCK_SUM = r"""
extern "C" __global__ void block_sum(const double *x, double *sums, int n) {
    extern __shared__ double partial[];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    partial[threadIdx.x] = i < n ? x[i] : 0.0;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) sums[blockIdx.x] = partial[0];
}
"""

WARP_SUM = r"""
extern "C" __global__ void warp_sum(const float *x, float *sum) {
    __shared__ float partial[32];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    float value = x[threadIdx.x];
    for (int d = 16; d > 0; d /= 2) value += __shfl_down_sync(~0u, value, d);
    if (lane == 0) partial[warp] = value;
    __syncthreads();
    if (warp > 0) return;
    value = lane < blockDim.x / 32 ? partial[lane] : 0.0f;
    for (int d = 16; d > 0; d /= 2) value += __shfl_xor_sync(~0u, value, d);
    if (lane == 0) *sum = value;
}
"""

WRITE_ONE = r"""
extern "C" __global__ void write_one(float *x, int position) { x[position] = 1.0f; }
"""

TEMPLATE = r"""
template <class T> __global__ void twice(T *x) { x[threadIdx.x] *= 2; }
"""


def test_elementwise_kernel_with_two_results(rng):
    x = rng.standard_normal((4, 3, 5))
    kernel = cp.ElementwiseKernel(
        "T x, T shift, raw T scale",
        "T y, T z",
        "y = x * scale[i % 5] + shift; z = exp(-y);",
        "scale_and_shift",
    )
    scale = np.arange(1.0, 6.0)
    with cupy_on_cpu.launch_names() as names:
        y, z = kernel(cp.asarray(x), 0.5, cp.asarray(scale))
    assert names == ["scale_and_shift"]
    assert_allclose(y.get(), x * scale + 0.5)
    assert_allclose(z.get(), np.exp(-x * scale - 0.5))


def test_reduction_kernel(rng):
    x = rng.standard_normal((4, 3, 5))
    kernel = cp.ReductionKernel(
        "T x", "T y", "x * x", "a + b", "y = sqrt(a)", "0", "l2"
    )
    assert_allclose(kernel(cp.asarray(x), axis=2).get(), np.linalg.norm(x, axis=2))


def test_shared_memory_and_barriers(rng):
    x, threads = rng.standard_normal(1000), 128
    blocks = -(-x.size // threads)
    sums = cp.empty(blocks)
    kernel = cp.RawKernel(BLOCK_SUM, "block_sum")
    kernel(
        (blocks,),
        (threads,),
        (cp.asarray(x), sums, np.int32(x.size)),
        shared_mem=8 * threads,
    )
    padded = np.pad(x, (0, blocks * threads - x.size)).reshape(blocks, threads)
    assert_allclose(sums.get(), padded.sum(axis=1))


def test_warp_shuffles(rng):
    x, total = rng.standard_normal(256).astype(np.float32), cp.empty((), cp.float32)
    cp.RawKernel(WARP_SUM, "warp_sum")((1,), (256,), (cp.asarray(x), total))
    assert_allclose(float(total), x.sum(), rtol=1e-5)


def test_template_kernel():
    module = cp.RawModule(
        code=TEMPLATE, name_expressions=["twice<int>"], options=("-std=c++17",)
    )
    x = cp.arange(4, dtype=cp.int32)
    module.get_function("twice<int>")((1,), (4,), (x,))
    assert_array_equal(x.get(), [0, 2, 4, 6])


def test_kernel_that_does_not_compile():
    kernel = cp.ElementwiseKernel("T x", "T y", "y = undeclared", "faulty")
    with pytest.raises(cp.cuda.compiler.CompileException, match="undeclared"):
        kernel(cp.ones(3))


@pytest.mark.parametrize(("grid", "block"), [((1,), (1025,)), ((1, 1 << 16), (1,))])
def test_impossible_launches_are_refused(grid, block):
    kernel = cp.RawKernel(WRITE_ONE, "write_one")
    with pytest.raises(RuntimeError, match="launch configuration out of range"):
        kernel(grid, block, (cp.zeros(1, cp.float32), np.int32(0)))


def test_sources_are_kept_for_the_real_compiler():
    cp.ElementwiseKernel("T x", "T y", "y = x + 41", "plus_41")(cp.ones(3))
    (met,) = [source for source in cupy_on_cpu.sources if "plus_41" in source.names]
    names, source, options = met
    assert names == ("plus_41",)
    assert "x + 41" in source
    for architecture in ("75", "120"):
        cubin = cupy_on_cpu.compile_with_nvrtc(source, options, architecture)
        assert cubin.startswith(b"\x7fELF")
    assert cupy_on_cpu.nvrtc_log[-1].architecture == "120"
    with pytest.raises(cp.cuda.compiler.CompileException):
        cupy_on_cpu.compile_with_nvrtc("#include <vector>", options, "90")
