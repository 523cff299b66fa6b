"""Conjugate gradients against a direct solution."""

import numpy as np
import pytest

from invertiblenetworks.kernels.conjugate_gradients import conjugate_gradients


def test_solutions_of_several_systems(rng, to_xp, to_numpy):
    root = rng.normal(size=(6, 6))
    matrix, b = root @ root.T + np.eye(6), rng.normal(size=(6, 3))
    b[:, 1] = 0.0  # A right-hand side of zero must not give NaN.
    on_xp = to_xp(matrix)
    x, residual = conjugate_gradients(lambda v: on_xp @ v, to_xp(b), 30, 1e-14)
    np.testing.assert_allclose(to_numpy(x), np.linalg.solve(matrix, b), atol=1e-11)
    assert to_numpy(residual).max() < 1e-12


def test_never_waits_for_the_device(rng, to_xp, device_counters):
    b = to_xp(rng.normal(size=(4, 2)))
    device_counters.reset()
    conjugate_gradients(lambda v: 2.0 * v, b, 3)
    assert device_counters.read() == (0, 0, 0)


def test_steps_are_counted(rng):
    calls = []

    def product(v):
        calls.append(1)
        return np.arange(1.0, 9.0)[:, None] * v

    _, residual = conjugate_gradients(product, rng.normal(size=(8, 1)), 3)
    assert len(calls) == 3
    assert residual[0] > 1e-6
    calls.clear()
    conjugate_gradients(product, rng.normal(size=(8, 1)), 100, 1e-8)
    assert len(calls) <= 9


def test_singular_map_many_steps_after_convergence(rng, to_xp, to_numpy):
    half = rng.normal(size=(30, 5))
    matrix = half @ half.T  # Rank 5.
    wanted = matrix @ rng.normal(size=(30, 2))
    on_xp = to_xp(matrix)
    x, residual = conjugate_gradients(lambda v: on_xp @ v, to_xp(wanted), 60)
    np.testing.assert_allclose(matrix @ to_numpy(x), wanted, atol=1e-8)
    assert to_numpy(residual).max() < 1e-8


@pytest.mark.parametrize("size", [1e-30, 1e-18, 1.0, 1e25])
def test_any_scale_of_the_right_hand_side(rng, to_xp, to_numpy, size):
    b = (rng.normal(size=(4, 2)) * size).astype("float32")
    x, _ = conjugate_gradients(lambda v: 4.0 * v, to_xp(b), 20, 1e-6)
    np.testing.assert_allclose(to_numpy(x), b / 4.0, rtol=1e-5)


def test_negative_curvature_is_refused(rng):
    with pytest.raises(ValueError, match="a positive semi-definite map"):
        conjugate_gradients(lambda v: -v, rng.normal(size=(4, 1)), 5)
