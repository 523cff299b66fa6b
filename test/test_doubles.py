"""The rules that the strict double enforces, and the choice of a backend.

The tests of the emulation, ``test_doubles_emulated*.py``, are collected in the run that
has it, with ``--backend emulated``.
"""

from __future__ import annotations

import copy
import sys
import types

import numpy as np
import pytest
from doubles import backends
from doubles.strict_cupy import counters
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


# --- the choice of a backend ---------------------------------------------------------


def test_a_run_on_a_gpu_fails_without_one(monkeypatch):
    without_device = types.ModuleType("cupy")
    without_device.is_available = lambda: False
    monkeypatch.setitem(sys.modules, "cupy", without_device)
    with pytest.raises(backends.NoDeviceError, match="finds no GPU"):
        backends.load("cupy")
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(backends.NoDeviceError, match="could not be imported"):
        backends.load("cupy")


def test_the_fixtures_hide_the_library(
    xp, to_xp, to_numpy, device_counters, rng, backend
):
    host = rng.standard_normal((2, 3))
    array = to_xp(host)
    assert isinstance(array, xp.ndarray)
    copies = 1 if backend.counts else 0
    assert device_counters.read() == (0, 0, copies)
    device_counters.reset()
    total = (array * array).sum(axis=0)
    assert device_counters.read() == (0, 0, 0)
    np.testing.assert_allclose(to_numpy(total), (host * host).sum(axis=0))
