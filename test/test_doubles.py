"""Tests of the strict double, which need neither CuPy nor a GPU.

The tests of the emulation are in ``test_doubles_emulated.py``; they are collected in
the run that has it, with ``--backend emulated``.
"""

from __future__ import annotations

import copy
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
    """An array on the device, and counters at zero."""
    array = cp.asarray(HOST)
    counters.reset()
    return array


def transfers():
    return counters.sync, counters.d2h, counters.h2d


# --- no implicit way to the host --------------------------------------------------


def test_numpy_cannot_look_inside(x):
    with pytest.raises(TypeError, match="Implicit conversion to a NumPy array"):
        np.asarray(x)
    assert transfers() == (0, 0, 0)


@pytest.mark.parametrize(
    "read",
    [
        lambda x: float(x[0, 0]),
        lambda x: int(x[0, 0]),
        lambda x: bool(x[0, 0]),
        lambda x: x[0, 0].item(),
        lambda x: x.get(),
        lambda x: x.tolist(),
        lambda x: repr(x),
        lambda x: f"{x[0, 0]:.2f}",
        lambda x: x[x > 3],
        lambda x: cp.nonzero(x),
        lambda x: range(5)[x[0, 0].astype(int)],
        lambda x: bool(cp.allclose(x, x)),
        lambda x: cp.asnumpy(x),
    ],
)
def test_a_value_that_comes_back_is_counted(x, read):
    read(x)
    assert transfers() == (1, 1, 0)


@pytest.mark.parametrize(
    "compute",
    [
        lambda x: cp.exp(x).sum(axis=0) * 2.5,
        lambda x: x[::-1, 1:3].copy().reshape(-1),
        lambda x: cp.einsum("ij,kj->ik", x, x),
        lambda x: cp.linalg.slogdet(x[:, :3])[1],
        lambda x: cp.asarray([x[0], x[1]]),
        lambda x: cp.allclose(x, x),
        lambda x: copy.deepcopy(x),
        lambda x: list(x),
    ],
)
def test_work_on_the_device_is_free(x, compute):
    compute(x)
    assert transfers() == (0, 0, 0)


@pytest.mark.parametrize(
    "upload",
    [
        lambda x: cp.asarray(HOST),
        lambda x: cp.array([1.0, 2.0]),
        lambda x: x.set(HOST),
        lambda x: x[[0, 1]],
        lambda x: x[np.array([0, 1])],
    ],
)
def test_uploads_are_counted(x, upload):
    upload(x)
    assert transfers() == (0, 0, 1)


# --- no mixing of libraries ----------------------------------------------------------


@pytest.mark.parametrize(
    "mix",
    [
        lambda x: x + HOST,
        lambda x: HOST + x,
        lambda x: x.__iadd__(HOST),
        lambda x: x @ HOST.T,
        lambda x: np.add(HOST, x),
        lambda x: cp.exp(HOST),
        lambda x: cp.sum(HOST),
        lambda x: cp.einsum("ij,ij->", x, HOST),
        lambda x: cp.concatenate([x, HOST]),
        lambda x: cp.where(x > 3, x, HOST),
        lambda x: x.dot(HOST.T),
        lambda x: cp.asarray([x, HOST]),
    ],
)
def test_host_arrays_are_refused(x, mix):
    with pytest.raises(TypeError, match="Unsupported type"):
        mix(x)


@pytest.mark.parametrize("value", [HOST[0], [1.0, 2.0, 3.0, 4.0]])
def test_host_arrays_cannot_be_assigned(x, value):
    with pytest.raises(ValueError, match="cannot be used for fill"):
        x[0] = value


def test_numpy_functions_are_sent_to_the_double(x):
    for result in (np.exp(x), np.sum(x, axis=0), np.linalg.norm(x), np.add(x, 1.0)):
        assert isinstance(result, cp.ndarray)
    out = cp.empty_like(x)
    assert np.multiply(x, 2.0, out=out) is out
    assert_array_equal(out.get(), 2 * HOST)


# --- only what CuPy has --------------------------------------------------------------


@pytest.mark.parametrize("name", ["geomspace", "insert", "block", "vecdot"])
def test_functions_that_cupy_lacks(name):
    with pytest.raises(AttributeError, match="though NumPy has"):
        getattr(cp, name)


@pytest.mark.parametrize(
    "name", ["ElementwiseKernel", "RawKernel", "ReductionKernel", "fuse", "mgrid"]
)
def test_there_are_no_kernels_and_no_makers_of_host_arrays(name):
    assert not hasattr(cp, name)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: cp.sum(x, where=x > 3),
        lambda x: x.mean(where=x > 3),
        lambda x: cp.max(x, initial=0.0),
        lambda x: cp.sort(x, stable=True),
        lambda x: x.take([0], mode="clip"),
        lambda x: cp.einsum("ij->i", x, out=x[:, 0]),
        lambda x: cp.linalg.matrix_rank(x, rtol=0.1),
    ],
)
def test_keywords_that_cupy_lacks(x, call):
    with pytest.raises(TypeError, match=r"\[CuPy [\d.]+ takes \("):
        call(x)


def test_ufuncs_have_the_keywords_and_methods_of_cupy(x):
    with pytest.raises(TypeError, match="Wrong arguments"):
        cp.add(x, x, where=x > 3)
    with pytest.raises(NotImplementedError, match=r"maximum\.reduce"):
        cp.maximum.reduce(x)
    with pytest.raises(NotImplementedError, match=r"multiply\.at"):
        cp.multiply.at(x, cp.asarray([0]), 1.0)
    assert_array_equal(cp.add.reduce(x, axis=1).get(), HOST.sum(axis=1))


def test_reductions_return_arrays_and_not_scalars(x):
    for result in (x.sum(), cp.max(x), x.mean(), x[0, 0]):
        assert isinstance(result, cp.ndarray)
        assert result.shape == ()


# --- arrays behave as arrays ---------------------------------------------------------

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
from doubles import strict_cupy
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
from doubles import strict_cupy
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
