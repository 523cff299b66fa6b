"""Facts about the gradient and the damped solution of least squares."""

import numpy as np
import pytest

from invertiblenetworks.kernels.least_squares import (
    damped_solve,
    misfit_gradient,
    normal_product,
)

N_ROWS, N_COLUMNS, N_VECTORS = 5, 7, 3


def problem(rng, dtype="float64"):
    a = rng.normal(size=(N_ROWS, N_COLUMNS)).astype(dtype)
    x = rng.normal(size=(N_COLUMNS, N_VECTORS)).astype(dtype)
    d = rng.normal(size=(N_ROWS, N_VECTORS)).astype(dtype)
    return a, x, d


def test_gradient_and_its_derivative(rng, to_xp, to_numpy):
    a, x, d = problem(rng)
    found = misfit_gradient(to_xp(a), to_xp(x), to_xp(d))
    np.testing.assert_allclose(to_numpy(found), a.T @ (a @ x - d), rtol=1e-12)
    found = normal_product(to_xp(a), to_xp(x))
    np.testing.assert_allclose(to_numpy(found), a.T @ a @ x, rtol=1e-12)


def test_a_complex_operator_is_that_of_real_and_imaginary_parts(rng, to_xp, to_numpy):
    a, x, d = problem(rng)
    b, _, e = problem(rng)
    stacked, data = np.concatenate([a, b]), np.concatenate([d, e])
    found = misfit_gradient(to_xp(a + 1j * b), to_xp(x), to_xp(d + 1j * e))
    wanted = stacked.T @ (stacked @ x - data)
    np.testing.assert_allclose(to_numpy(found), wanted, rtol=1e-12)
    found = damped_solve(to_xp(a + 1j * b), to_xp(x), 0.3, 40)
    wanted = np.linalg.solve(stacked.T @ stacked + 0.3 * np.eye(N_COLUMNS), x)
    np.testing.assert_allclose(to_numpy(found), wanted, rtol=1e-11)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)]
)
def test_damped_solve_is_the_dense_solution(rng, to_xp, to_numpy, dtype, tolerance):
    a, b, _ = problem(rng, dtype)
    b[:, 1] = 0.0  # solved before the first step, unlike the others
    found = damped_solve(to_xp(a), to_xp(b), 0.3, 40)
    assert found.dtype == dtype
    wanted = np.linalg.solve(a.T @ a + 0.3 * np.eye(N_COLUMNS), b)
    np.testing.assert_allclose(to_numpy(found), wanted, rtol=tolerance, atol=tolerance)
    assert not to_numpy(found)[:, 1].any()


def test_damped_solve_does_not_wait_for_the_device(rng, to_xp, device_counters):
    a, b, _ = (to_xp(array) for array in problem(rng))
    damped_solve(a, b, 0.3, 20)  # kernels are compiled in the first call
    device_counters.reset()
    damped_solve(a, b, 0.3, 20)
    assert device_counters.read() == (0, 0, 0)


def test_too_few_steps_are_told_where_that_costs_nothing(rng):
    a, b, _ = problem(rng)
    with pytest.warns(RuntimeWarning, match="after 2 steps"):
        damped_solve(a, b, 0.3, 2)
