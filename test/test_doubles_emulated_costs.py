"""Costs and mistakes that a run on a GPU would hide."""

from __future__ import annotations

import cupy as cp
import numpy as np
import pytest
from doubles import cupy_on_cpu
from numpy.testing import assert_array_equal

stats = cupy_on_cpu.stats

WRITE_ONE = r"""
extern "C" __global__ void write_one(float *x, int position) { x[position] = 1.0f; }
"""


def transfers():
    return stats.sync, stats.d2h, stats.h2d


@pytest.fixture
def x(rng):
    return rng.uniform(0.5, 2.0, size=(4, 3, 5))


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
    # Other tests leave free blocks in the pool; nothing of more than all fits in them.
    more_than_all = pool.total_bytes() + 8192
    pool.set_limit(size=pool.total_bytes() + 4096)
    try:
        with pytest.raises(cp.cuda.memory.OutOfMemoryError):
            cp.empty(more_than_all, cp.int8)
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
