"""Compiled products of reflections and gradients of rotations; addresses of arrays."""

from __future__ import annotations

import ctypes
import sys

import numpy as np
import pytest
from compiled_cases import Guards, exact

from invertiblenetworks.kernels import householder, scaled_rotation
from invertiblenetworks.kernels.compiled import addresses, library
from invertiblenetworks.kernels.compiled import householder as compiled_householder

compiled = pytest.mark.usefixtures("compiled_library")
dtypes = pytest.mark.parametrize("dtype", ["float64", "float32"])

CHANNELS = [*range(1, 36), 47, 48, 49, 63, 64, 65, 70]
LAYOUTS = {
    "plain": np.copy,
    "columns": np.asfortranarray,
    "gaps": lambda a: np.repeat(np.repeat(a, 2, axis=0), 3, axis=-1)[::2, ::3],
    "reversed": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "part": lambda a: np.pad(a, 3, constant_values=np.nan)[3:-3, 3:-3],
}


def reflections(v):
    """The product of reflections, one by one, in more than double precision."""
    v = exact(v)
    q = np.eye(v.shape[1], dtype=v.dtype)
    for row in v:
        q -= 2 * np.outer(q @ row, row) / (row @ row)
    return q


def with_numpy(monkeypatch, function, *arguments):
    """What NumPy's way gives in double precision."""
    arguments = [
        a.astype("float64") if isinstance(a, np.ndarray) else a for a in arguments
    ]
    with monkeypatch.context() as patch:
        patch.setattr(library, "compiled_kernels", lambda: None)
        return function(*arguments)


def expect_close(found, wanted, units):
    eps = np.finfo(found.dtype).eps
    assert found.shape == wanted.shape
    assert np.linalg.norm(found - wanted) <= units * eps * (
        np.linalg.norm(wanted) + eps
    )


@compiled
@dtypes
@pytest.mark.parametrize("m", range(10))
def test_reflections(m, dtype, rng, monkeypatch):
    """Up to eight, and nine that NumPy multiplies."""
    for k in CHANNELS:
        v, g = rng.standard_normal((m, k)), rng.standard_normal((k, k))
        v, g = v.astype(dtype), g.astype(dtype)
        before = v.copy(), g.copy()
        is_compiled = compiled_householder.functions_for(v) is not None
        assert is_compiled == (m <= compiled_householder.MOST_REFLECTIONS)
        q, dv = householder.householder_matrix(v), householder.householder_adjoint(v, g)
        assert q.dtype == dv.dtype == dtype
        # A vector of one channel is a sum of parts that cancel.
        expect_close(q, reflections(v).astype("float64"), 20)
        wanted = with_numpy(monkeypatch, householder.householder_adjoint, v, g)
        scale = np.linalg.norm(g) * (1 / np.linalg.norm(v.astype("d"), axis=1)).max(
            initial=0
        )
        error = np.linalg.norm(dv - wanted)
        assert error <= 40 * np.finfo(dtype).eps * (scale * (1 + m) + 1e-300)
        np.testing.assert_array_equal(v, before[0])
        np.testing.assert_array_equal(g, before[1])


@compiled
@pytest.mark.parametrize("of_g", LAYOUTS)
@pytest.mark.parametrize("of_v", LAYOUTS)
def test_layouts(of_v, of_g, rng):
    v, g = rng.standard_normal((3, 11)), rng.standard_normal((11, 11))
    given = LAYOUTS[of_v](v), LAYOUTS[of_g](g)
    q, dv = (
        householder.householder_matrix(given[0]),
        householder.householder_adjoint(*given),
    )
    np.testing.assert_array_equal(q, householder.householder_matrix(v))
    np.testing.assert_array_equal(dv, householder.householder_adjoint(v, g))
    of_vectors = rng.standard_normal((5, 11))
    arguments = (*of_vectors[:3], v.T @ v, g, of_vectors[3])
    s, b, total, q, gram, _ = arguments
    plain = (s, b, q, gram, total)
    wanted = scaled_rotation.gradients(*plain, np.ones(2), 3.0)
    room = np.repeat(np.stack([s, b, total]), 2, axis=1)[:, ::2]
    strided = (room[0], room[1], LAYOUTS[of_v](q), LAYOUTS[of_g](gram), room[2])
    found = scaled_rotation.gradients(*strided, np.ones(2), 3.0)
    for a, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, other)


@compiled
def test_a_vector_of_zeros_gives_nan():
    q = householder.householder_matrix(np.zeros((1, 3)))
    assert np.isnan(q).all()


@compiled
@dtypes
def test_gradients_of_rotations(dtype, rng, monkeypatch):
    for k in CHANNELS:
        s = (1 + rng.random(k)).astype(dtype)
        b, total = rng.standard_normal((2, k)).astype(dtype)
        q, gram = rng.standard_normal((2, k, k)).astype(dtype)
        dld = rng.standard_normal(5).astype(dtype)
        arguments = (s, b, q, gram, total, dld, 12.0)
        before = [a.copy() for a in arguments[:-1]]
        found = scaled_rotation.gradients(*arguments)
        wanted = with_numpy(monkeypatch, scaled_rotation.gradients, *arguments)
        for a, other in zip(found, wanted, strict=True):
            assert a.dtype == dtype
            expect_close(a, other, 60)
        for a, old in zip(arguments, before, strict=False):
            np.testing.assert_array_equal(a, old)


@compiled
@dtypes
def test_nothing_beside_results_is_written(dtype, rng):
    functions = library.functions(np.dtype(dtype))
    for m, k in ((0, 3), (1, 1), (3, 7), (8, 16), (8, 19)):
        guards = Guards()

        def given(*shape, guards=guards):
            return guards.array(shape, dtype, rng.standard_normal(shape), np.nan)

        v, g, q, dv = (
            given(m, k),
            given(k, k),
            *map(lambda shape: guards.array(shape, dtype), ((k, k), (m, k))),
        )
        functions.householder(m, k, v, q, guards.array((m * k,), dtype))
        memory = guards.array((m * (3 * k + m),), dtype)
        functions.householder_adjoint(m, k, v, g, dv, memory)
        s, b, total = (given(k) for _ in range(3))
        ds, db, dq = (guards.array(shape, dtype) for shape in ((k,), (k,), (k, k)))
        functions.rotation_gradients(k, s, b, q, g, total, ds, db, dq, 1.0)
        guards.check()
        for result in (q, dv, ds, db, dq):
            assert np.isfinite(result).all()


# Addresses.

WAYS = [addresses.python_with_addresses]
if addresses.with_addresses not in WAYS:
    WAYS.append(addresses.with_addresses)
ways = pytest.mark.parametrize("with_addresses", WAYS, ids=lambda way: way.__name__)


@ways
def test_addresses_of_views(with_addresses):
    x = np.arange(60.0).reshape(3, 4, 5)
    fixed = x.copy()
    fixed.flags.writeable = False
    views = [x, x[1:], x[:, 2:, 3:], x[::-1], x[..., ::-2], x.T, x.swapaxes(0, 1)]
    views += [fixed, fixed[2], np.broadcast_to(x[0], (7, 4, 5)), np.asfortranarray(x)]
    views += [x[0, 0, :1], np.array(3.0), np.empty(0), np.empty((3, 0, 2)), x[3:]]
    views += [x.astype(kind) for kind in ("f4", "f2", ">f8", "c16", "i8", "?")]
    views += [np.zeros(17, "u1")[1:].view("f8"), np.zeros(2, "i1,f8")["f1"]]
    wanted = [view.__array_interface__["data"][0] for view in views if view.size]
    found = with_addresses(*views)
    assert len(found) == len(views)
    numbers = [a for a, view in zip(found, views, strict=True) if view.size]
    assert numbers == wanted
    assert found[2] == x.ctypes.data + x[0, 2, 3:].ctypes.data - x.ctypes.data
    assert found[3] == x[2].ctypes.data
    assert all(type(address) is int for address in numbers)


@ways
def test_other_arguments_are_passed_on(with_addresses):
    others = [
        None,
        3,
        2.5,
        True,
        "text",
        [1, 2],
        np.float32(2),
        ctypes.c_int(4),
        object(),
    ]
    found = with_addresses(*others, np.zeros(2), *others)
    for before, after in (
        (others, found[: len(others)]),
        (others, found[-len(others) :]),
    ):
        assert all(a is b for a, b in zip(before, after, strict=True))
    assert with_addresses() == ()


@ways
def test_references_are_counted(with_addresses):
    """Neither arrays nor what is passed on is held, nor let go too often."""
    array, other = np.zeros(3), object()
    before = sys.getrefcount(array), sys.getrefcount(other)
    for _ in range(100):
        with_addresses(array, other, array[1:])
    assert (sys.getrefcount(array), sys.getrefcount(other)) == before


@ways
@pytest.mark.parametrize("kind", ["memmap", "subclass"])
def test_arrays_of_other_classes(with_addresses, kind, tmp_path):
    """Images on a disk, say: they are arrays as well."""
    if kind == "memmap":
        array = np.memmap(tmp_path / "images", "f4", "w+", shape=(2, 3))
    else:
        array = np.zeros((2, 3)).view(type("Other", (np.ndarray,), {}))
    address, other = with_addresses(array, 1)
    assert isinstance(address, int)
    assert (address, other) == (array.ctypes.data, 1)
