"""Tests of the real CuPy run on the CPU; collected with ``--backend emulated`` only."""

from __future__ import annotations

import json

import cupy as cp
import numpy as np
import pytest
from cupy.cuda import cublas, device
from doubles import cupy_on_cpu, strict_cupy
from doubles.strict_cupy import api_table, make_api_table
from numpy.testing import assert_allclose, assert_array_equal

stats = cupy_on_cpu.stats


def transfers():
    return stats.sync, stats.d2h, stats.h2d


@pytest.fixture
def x(rng):
    """A host array of positive numbers, and counters at zero."""
    host = rng.uniform(0.5, 2.0, size=(4, 3, 5))
    cupy_on_cpu.reset()
    return host


# --- results are those of NumPy ------------------------------------------------------

OPERATIONS = {
    "arithmetic": lambda xp, x: 2.0 * x - x**2 / 3.0 + x // 0.3,
    "functions": lambda xp, x: xp.exp(-x) + xp.log1p(x) + xp.tanh(x),
    "where": lambda xp, x: xp.where(x > 1.0, x, -x),
    "clip": lambda xp, x: xp.clip(x, 0.7, 1.1),
    "casting": lambda xp, x: x.astype(xp.float32) * 2.5,
    "sum": lambda xp, x: x.sum(),
    "sum over two axes": lambda xp, x: x.sum(axis=(0, 2)),
    "sum over a long axis": lambda xp, x: xp.tile(x.ravel(), 50).sum(),
    "mean and variance": lambda xp, x: x.mean(axis=1) + x.var(axis=1),
    "maximum": lambda xp, x: x.max(axis=2, keepdims=True),
    "argmax": lambda xp, x: x.argmax(axis=0),
    "cumsum": lambda xp, x: xp.cumsum(x, axis=1),
    "views": lambda xp, x: xp.moveaxis(x[::-1, :, ::2], 0, -1).copy(),
    "negative strides": lambda xp, x: x[..., ::-1] * x,
    "concatenate": lambda xp, x: xp.concatenate([x, x[:, :1]], axis=1),
    "pad": lambda xp, x: xp.pad(x, ((0, 0), (1, 2), (0, 1))),
    "roll": lambda xp, x: xp.roll(x, 2, axis=2),
    "as_strided": lambda xp, x: (
        xp.lib.stride_tricks.as_strided(x, (4, 3, 3, 3), (*x.strides, 8)) * 1.0
    ),
    "matmul": lambda xp, x: x[0] @ x[1].T,
    "batched matmul": lambda xp, x: x @ x.transpose(0, 2, 1),
    "broadcast matmul": lambda xp, x: x[0] @ x.transpose(0, 2, 1),
    "einsum": lambda xp, x: xp.einsum("bij,bkj->ik", x, x),
    "tensordot": lambda xp, x: xp.tensordot(x, x, axes=([0, 2], [0, 2])),
    "float32 matmul": lambda xp, x: x.astype("f4") @ x.astype("f4").transpose(0, 2, 1),
    "solve": lambda xp, x: xp.linalg.solve(x[0, :, :3] + 3.0 * xp.eye(3), x[1]),
    "inverse": lambda xp, x: xp.linalg.inv(x[:3, :, 0] + 3.0 * xp.eye(3)),
    "slogdet": lambda xp, x: xp.linalg.slogdet(x[:, :, :3] + 3.0 * xp.eye(3))[1],
    "qr": lambda xp, x: xp.abs(xp.linalg.qr(x[0].T)[1]),
    "cholesky": lambda xp, x: xp.linalg.cholesky(x[0] @ x[0].T + xp.eye(3)),
    "norm": lambda xp, x: xp.linalg.norm(x[0]),
    "sort": lambda xp, x: xp.sort(x, axis=1),
    "argsort": lambda xp, x: xp.argsort(x, axis=2),
    "integer index": lambda xp, x: x[:, xp.asarray([2, 0])],
    "boolean index": lambda xp, x: x[x > 1.0],
    "add.at": lambda xp, x: _added_at(xp, x),
}


def _added_at(xp, x):
    total = xp.zeros(3)
    xp.add.at(total, xp.asarray([0, 2, 0, 1, 0]), x[0, 0])
    return total


@pytest.mark.parametrize("name", OPERATIONS)
def test_parity_with_numpy(x, name):
    operation = OPERATIONS[name]
    expected, result = operation(np, x), operation(cp, cp.asarray(x))
    assert isinstance(result, cp.ndarray)
    assert result.shape == expected.shape
    assert result.dtype == expected.dtype
    tolerance = 1e-12 if expected.dtype != np.float32 else 1e-5
    assert_allclose(result.get(), expected, rtol=tolerance, atol=tolerance)


def test_writing_in_place(x):
    result, expected = cp.asarray(x), x.copy()
    for array in (result, expected):
        array += 1.0
        array[:, 1] *= array[:, 0]
        array[0] = 7.0
    out = cp.empty((4, 3, 3))
    assert cp.matmul(result, result.transpose(0, 2, 1), out=out) is out
    assert_allclose(result.get(), expected)
    assert_allclose(out.get(), expected @ expected.transpose(0, 2, 1))


@pytest.mark.parametrize(
    ("dtype", "gemm"),
    [
        ("float32", cublas.sgemmStridedBatched),
        ("float64", cublas.dgemmStridedBatched),
    ],
)
def test_cublas_strided_batched_product(x, dtype, gemm):
    # Row-major C = A B^T for each sample is column-major C^T = B A^T.
    batch, rows, inner = x.shape
    left = cp.asarray(x, dtype=dtype)
    right = left[:, ::-1].copy()
    product = cp.ones((batch, rows, rows), dtype=dtype)
    alpha, beta = np.array(2.0, dtype), np.array(1.0, dtype)
    gemm(
        device.get_cublas_handle(),
        cublas.CUBLAS_OP_T,
        cublas.CUBLAS_OP_N,
        rows,
        rows,
        inner,
        alpha.ctypes.data,
        right.data.ptr,
        inner,
        rows * inner,
        left.data.ptr,
        inner,
        rows * inner,
        beta.ctypes.data,
        product.data.ptr,
        rows,
        rows * rows,
        batch,
    )
    expected = 1.0 + 2.0 * x @ x[:, ::-1].transpose(0, 2, 1)
    assert_allclose(product.get(), expected, rtol=1e-5)


# --- kernels -------------------------------------------------------------------------

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


def test_elementwise_kernel_with_two_results(x):
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


def test_reduction_kernel(x):
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


# --- costs and mistakes that a GPU would hide ----------------------------------------


def test_work_on_the_device_is_free(x):
    array, weight = cp.asarray(x), cp.asarray(x[0])
    cupy_on_cpu.reset()
    result = cp.tanh(array @ weight.T).sum(axis=0)
    result[:, 1:] += result[:, :1]
    assert transfers() == (0, 0, 0)
    assert stats.launches > 0


@pytest.mark.parametrize(
    ("read", "cost"),
    [
        (lambda x: float(x[0, 0, 0]), (1, 1, 0)),
        (lambda x: x.get(), (1, 1, 0)),
        (lambda x: x[x > 1.0], (1, 1, 0)),
        (lambda x: bool((x > 0).all()), (1, 1, 0)),
        (lambda x: x[[0, 1]], (0, 0, 1)),
    ],
)
def test_transfers_are_counted(x, read, cost):
    array = cp.asarray(x)
    cupy_on_cpu.reset()
    read(array)
    assert transfers() == cost


class PeakHook(cp.cuda.MemoryHook):
    """Highest number of bytes that the pool has lent out."""

    name = "peak"

    def __init__(self):
        self.now = self.peak = 0

    def malloc_postprocess(self, device_id, size, mem_size, mem_ptr, pmem_id):
        self.now += mem_size
        self.peak = max(self.peak, self.now)

    def free_postprocess(self, device_id, mem_size, mem_ptr, pmem_id):
        self.now -= mem_size


def test_peak_of_the_memory_pool():
    x = cp.zeros(1024)
    with PeakHook() as hook:
        result = x * 2.0 + 1.0
        del result
    assert (hook.peak, hook.now) == (2 * x.nbytes, 0)


def test_memory_limit():
    pool = cp.get_default_memory_pool()
    pool.set_limit(size=pool.total_bytes() + 4096)
    try:
        with pytest.raises(cp.cuda.memory.OutOfMemoryError):
            cp.empty(1 << 20)
    finally:
        pool.set_limit(size=0)


def test_the_device_has_an_end():
    with pytest.raises(cp.cuda.memory.OutOfMemoryError):
        cp.empty(2 * cupy_on_cpu.device_bytes.value, cp.int8)


@pytest.fixture
def one_block_per_array():
    """Take every array from the device itself, so that its ends are guarded."""
    cp.cuda.set_allocator(None)
    yield
    cp.cuda.set_allocator(cp.get_default_memory_pool().malloc)


@pytest.mark.usefixtures("one_block_per_array")
def test_new_memory_is_not_a_number():
    assert np.isnan(cp.empty(10).get()).all()


@pytest.mark.usefixtures("one_block_per_array")
def test_writing_past_the_end_is_noticed(capfd):
    before = cupy_on_cpu.corrupt.value
    x = cp.zeros(3, cp.float32)
    kernel = cp.RawKernel(WRITE_ONE, "write_one")
    kernel((1,), (1,), (x, np.int32(3)))
    del x
    assert cupy_on_cpu.corrupt.value == before + 1
    assert "past the end of 12 bytes" in capfd.readouterr().err
    cupy_on_cpu.corrupt.value = before


def test_overlapping_copy_is_refused():
    x = cp.arange(10.0)
    with pytest.raises(RuntimeError, match="overlapping copy"):
        x[1:] = x[:-1]


def test_a_copy_arrives_at_the_next_synchronisation():
    stream = cp.cuda.Stream(non_blocking=True)
    x, host = cp.ones(4), np.zeros(4)
    x.get(out=host, stream=stream, blocking=False)
    assert np.isnan(host).all()
    stream.synchronize()
    assert_array_equal(host, np.ones(4))


def test_device_code_in_the_wheel_is_refused():
    with pytest.raises(NotImplementedError, match="compiled into CuPy"):
        cp.random.default_rng(0)


# --- the strict double describes this CuPy -------------------------------------------


def test_the_table_of_the_strict_double_is_current():
    current = json.loads(json.dumps(make_api_table.api_table(cp)))
    assert current == api_table.API


def test_the_strict_double_refuses_to_replace_cupy():
    with pytest.raises(ImportError, match="before cupy is imported"):
        strict_cupy.install()
