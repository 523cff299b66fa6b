"""Conjugate gradients against a direct solution."""

import numpy as np

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
