"""Phantom arrays as arrays of the package: what they can do, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from invertiblenetworks.backend import get_array_module, is_array, on_host
from invertiblenetworks.planning.phantom_module import PhantomModule


def test_the_backend_knows_them():
    xp, other = PhantomModule(), PhantomModule()
    a = xp.empty(3, "float32")
    assert is_array(a)
    assert get_array_module(a, None, a[0]) is xp
    assert on_host(xp)
    with pytest.raises(TypeError, match="one library"):
        get_array_module(a, other.empty(3))
    with pytest.raises(TypeError, match="one library"):
        get_array_module(a, np.ones(3))


def test_numpy_hands_its_functions_on():
    xp = PhantomModule()
    a = xp.empty((3, 4), "float32")
    for found in (
        np.exp(a),
        np.add(a, 1),
        np.ones(4, "float32") * a,
        np.matmul(a, a.T),
    ):
        assert found._array_module is xp
    assert np.concatenate([a, a]).shape == (6, 4)
    assert np.add.reduce(a, axis=1).shape == np.sum(a, axis=1).shape == (3,)
    assert (np.ones((2, 3)) @ a).dtype == "float64"
    assert np.float64(2) * a is not a


@pytest.mark.parametrize(
    "use",
    [
        lambda a: float(a.sum()),
        lambda a: bool(a.any()),
        lambda a: "x" if a.max() > 0 else "y",
        lambda a: a.item(),
        lambda a: np.asarray(a),
        lambda a: np.add(a, a, out=np.zeros(a.shape)),
        lambda a: a[a > 0],
        lambda a: a[np.array([1, 2])],
        lambda a: a[[1, 2]],
        lambda a: a[True],
    ],
)
def test_there_are_no_values(use):
    a = PhantomModule().empty((3, 4), "float32")
    with pytest.raises(TypeError, match="values"):
        use(a)


def test_what_is_not_known_is_named():
    xp = PhantomModule()
    a = xp.empty((3, 4))
    with pytest.raises(AttributeError, match="no function 'einsum'"):
        np.einsum("ij->i", a)
    with pytest.raises(AttributeError, match="no attribute 'cumsum'"):
        a.cumsum()
    with pytest.raises(AttributeError, match="no function 'divmod'"):
        np.divmod(a, a)
    with pytest.raises(TypeError, match="expected a phantom array"):
        xp.asarray([1.0])
    assert not hasattr(xp, "ElementwiseKernel")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda xp, a: a + a[:, :2],
        lambda xp, a: a.reshape(5, 5),
        lambda xp, a: a.reshape(5, -1),
        lambda xp, a: a @ a,
        lambda xp, a: a[0].fill(0) or a.__setitem__(0, a),
        lambda xp, a: xp.concatenate((a, a[:, 1:])),
        lambda xp, a: xp.add(a, a, out=a[0]),
        lambda xp, a: xp.matmul(a, a.T, out=a),
    ],
)
def test_shapes_are_checked_as_by_numpy(wrong):
    for module in (np, PhantomModule()):
        with pytest.raises(ValueError):
            wrong(module, module.ones((3, 4)))


def test_types_are_checked_as_by_numpy():
    for xp in (np, PhantomModule()):
        a = xp.ones(3, "int64")
        with pytest.raises(TypeError):
            a += 0.5


def test_nothing_is_read_to_print_them():
    a = PhantomModule().empty((2**20, 2**20), "float32")[::-1, 5]
    assert repr(a) == "<phantom float32 array of shape (1048576,)>"
    assert "strides (-4194304,)" in repr(a._carrier)
    assert str(a._carrier) == repr(a._carrier)
