"""Compiled products of reflections and gradients of rotations."""

from __future__ import annotations

import numpy as np
import pytest
from compiled_cases import Guards, exact

from invertiblenetworks.kernels import householder, scaled_rotation
from invertiblenetworks.kernels.compiled import householder as compiled_householder
from invertiblenetworks.kernels.compiled import library

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
