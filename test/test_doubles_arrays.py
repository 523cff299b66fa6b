"""The strict double as a library: arrays, memory, linear operators, installation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from doubles import strict_cupy
from doubles.strict_cupy import LinearOperator, counters, pool
from doubles.strict_cupy import cupy as cp
from numpy.testing import assert_array_equal

HOST = np.arange(12.0).reshape(3, 4)


@pytest.fixture
def x():
    return cp.asarray(HOST)


VIEWS_AND_FUNCTIONS = {
    "negative strides": lambda xp, x: x[::-1, ::-2],
    "moveaxis": lambda xp, x: xp.moveaxis(x, 0, -1),
    "transpose": lambda xp, x: x.T + x.transpose(1, 0),
    "as_strided": lambda xp, x: xp.lib.stride_tricks.as_strided(
        x, (2, 2, 2), (8, 32, 8)
    ),
    "einsum": lambda xp, x: xp.einsum("ij,kj->ik", x, x),
    "fancy slices": lambda xp, x: x[..., None, 1:3][:, 0],
    "astype": lambda xp, x: x.astype(xp.float32),
    "reshape": lambda xp, x: x.reshape(2, -1),
    "sum": lambda xp, x: x.sum(axis=(0, 1), keepdims=True),
    "mean": lambda xp, x: x.mean(axis=0),
    "where": lambda xp, x: xp.where(x > 3, x, 0.0),
    "tensordot": lambda xp, x: xp.tensordot(x, x, axes=([1], [1])),
    "concatenate": lambda xp, x: xp.concatenate([x, x], axis=1),
    "pad": lambda xp, x: xp.pad(x, ((1, 1), (0, 2))),
    "power": lambda xp, x: 2.0 ** (-x) - x**2 // 3,
    "numpy scalar": lambda xp, x: np.float64(2.0) * x,
    "comparison": lambda xp, x: (x >= 4) & ~(x == 6),
}


@pytest.mark.parametrize("name", VIEWS_AND_FUNCTIONS)
def test_results_are_those_of_numpy(x, name):
    function = VIEWS_AND_FUNCTIONS[name]
    expected, result = function(np, HOST), function(cp, x)
    assert isinstance(result, cp.ndarray)
    assert result.shape == expected.shape
    assert result.strides == expected.strides
    assert result.dtype == expected.dtype
    assert_array_equal(result.get(), expected)


def test_attributes(x):
    view = x[:, ::2]
    assert (view.shape, view.ndim, view.size, view.nbytes) == ((3, 2), 2, 6, 48)
    assert view.dtype == cp.dtype("float64") == cp.float64
    assert x.flags.c_contiguous
    assert not view.flags.c_contiguous
    with pytest.raises(AttributeError, match=r"numpy\.ndarray has"):
        _ = view.ctypes


def test_writing_in_place_and_through_views(x):
    expected = HOST.copy()
    alias = x
    x += 1.0
    expected += 1.0
    x[:, 1:3] *= x[:, :1]
    expected[:, 1:3] *= expected[:, :1]
    x[0] = 7.0
    expected[0] = 7.0
    x[1] = x[2]
    expected[1] = expected[2]
    assert x is alias
    assert_array_equal(x.get(), expected)


def test_out_returns_the_array_given(x):
    product, total = cp.empty((3, 3)), cp.empty(4)
    assert cp.matmul(x, x.T, out=product) is product
    assert x.sum(axis=0, out=total) is total
    assert cp.exp(x, out=x) is x
    assert_array_equal(product.get(), HOST @ HOST.T)
    assert_array_equal(total.get(), HOST.sum(axis=0))


def test_get_array_module(x):
    assert cp.get_array_module(HOST, x) is cp
    assert cp.get_array_module(HOST) is np


# --- memory --------------------------------------------------------------------------


def test_peak_counts_temporaries():
    x = cp.zeros(128)  # 1024 bytes
    counters.reset()
    before = pool.used_bytes()
    result = x * 2.0 + 1.0
    assert pool.peak_bytes - before == 2 * 1024
    assert pool.used_bytes() - before == 1024
    del result
    assert pool.used_bytes() == before


def test_views_cost_nothing_and_keep_their_memory():
    before = pool.used_bytes()
    x = cp.zeros((16, 16))
    views = [x[3:], x.T, cp.lib.stride_tricks.as_strided(x, (99, 99), (0, 0))]
    assert pool.used_bytes() - before == 2048
    del x
    assert pool.used_bytes() - before == 2048
    del views
    assert pool.used_bytes() == before


def test_limit():
    pool.set_limit(pool.used_bytes() + 1024)
    try:
        small = cp.zeros(64)
        with pytest.raises(cp.cuda.memory.OutOfMemoryError, match="Out of memory"):
            cp.zeros(128)
        del small
        assert cp.zeros(128).nbytes == 1024
    finally:
        pool.set_limit(0)


# --- linear operators and installation -----------------------------------------------


def test_linear_operator(x):
    matrix = LinearOperator(
        x.shape, lambda v: x @ v, lambda v: x.T @ v, dtype=cp.float64
    )
    right, left = cp.arange(4.0), cp.arange(3.0)
    assert (matrix.shape, matrix.dtype) == ((3, 4), np.float64)
    assert_array_equal((matrix @ right).get(), HOST @ np.arange(4.0))
    assert_array_equal(matrix.rmatvec(left).get(), HOST.T @ np.arange(3.0))
    assert_array_equal((matrix.H @ left).get(), HOST.T @ np.arange(3.0))
    assert_array_equal((matrix @ x.T).get(), HOST @ HOST.T)
    assert_array_equal(matrix.adjoint().rmatmat(x.T).get(), HOST @ HOST.T)
    with pytest.raises(ValueError, match="dimension mismatch"):
        matrix.matvec(left)
    with pytest.raises(TypeError, match="expected a CuPy array"):
        matrix.matvec(np.arange(4.0))


INSTALLED = """
from doubles import backends, strict_cupy
strict_cupy.install()
import cupy
import cupy.linalg
from cupy.lib.stride_tricks import as_strided
from cupyx.scipy.sparse.linalg import LinearOperator
assert cupy is strict_cupy.cupy
assert cupy.is_available()
assert not hasattr(cupy, "ElementwiseKernel")
assert LinearOperator is strict_cupy.LinearOperator
"""

REFUSED = """
import sys
import types
from doubles import backends, strict_cupy
sys.modules["cupy"] = types.ModuleType("cupy")
try:
    strict_cupy.install()
except ImportError as error:
    assert "before cupy is imported" in str(error)
else:
    raise AssertionError("installed over another CuPy")
"""


@pytest.mark.parametrize("script", [INSTALLED, REFUSED])
def test_installation(script):
    folder = Path(strict_cupy.__file__).parents[2]
    subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=folder, check=True
    )
