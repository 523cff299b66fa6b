"""Jacobians in the solvers of SciPy, and what they refuse."""

import numpy as np
import pytest
from operator_cases import build, dense, moved, on_host
from scipy.sparse.linalg import aslinearoperator, cg, lsqr, svds

from invertiblenetworks import ActNorm, Dense, NotInitializedError, ShuffleLayer
from invertiblenetworks.objectives import mse, mse_grad, mse_hess
from invertiblenetworks.operators import Jacobian

# --- with SciPy -----------------------------------------------------------------------


def test_damped_least_squares_with_lsqr(rng, xp, to_xp, to_numpy, layer_to_xp):
    layer, x, _ = build("pair", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x, "input_params")
    right = rng.normal(size=operator.shape[0])
    host = on_host(operator, xp, to_xp, to_numpy)
    solution = lsqr(host, right, damp=0.5, atol=1e-12, btol=1e-12)[0]
    matrix = dense(operator, to_xp, to_numpy)
    normal = matrix.T @ matrix + 0.25 * np.eye(operator.shape[1])
    wanted = np.linalg.solve(normal, matrix.T @ right)
    np.testing.assert_allclose(solution, wanted, rtol=1e-8, atol=1e-9)


def test_singular_values_with_svds(rng, xp, to_xp, to_numpy, layer_to_xp):
    layer, x, _ = build("pair", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x, "input")
    host = on_host(operator, xp, to_xp, to_numpy)
    largest = svds(host, k=3, return_singular_vectors=False, rng=1)
    wanted = np.linalg.svd(dense(operator, to_xp, to_numpy), compute_uv=False)
    np.testing.assert_allclose(np.sort(largest), wanted[2::-1], rtol=1e-10)


def test_determinant_of_the_operator_is_the_logdet(rng, to_xp, to_numpy, layer_to_xp):
    layer, x, _ = build("glow", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x, "input")
    _, logdet = np.linalg.slogdet(dense(operator, to_xp, to_numpy))
    np.testing.assert_allclose(2 * float(operator.logdet), logdet, rtol=1e-10)


def test_gauss_newton_with_conjugate_gradients(rng, xp, to_xp, to_numpy, layer_to_xp):
    """``J.H @ H @ J`` composes, and a step with it lowers the misfit as predicted."""
    layer, x, _ = build("net", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x, "params")
    target = operator.y + 0.01 * to_xp(rng.normal(size=operator.y.shape))
    jacobian = on_host(operator, xp, to_xp, to_numpy)
    hessian = on_host(mse_hess(operator.y, target), xp, to_xp, to_numpy)
    gauss_newton = jacobian.H @ hessian @ jacobian
    matrix = dense(operator, to_xp, to_numpy)
    v = rng.normal(size=operator.shape[1])
    wanted = matrix.T @ (matrix @ v) / 2
    np.testing.assert_allclose(gauss_newton @ v, wanted, rtol=1e-9, atol=1e-12)

    misfit = operator.join_range(mse_grad(operator.y, target))
    gradient = to_numpy(operator.rmatvec(misfit))
    damping = 0.1 * aslinearoperator(np.eye(operator.shape[1]))
    step, failed = cg(gauss_newton + damping, -gradient, rtol=1e-6)
    assert not failed
    before = float(mse(operator.y, target))
    moved(layer, x, None, operator.split_domain(to_xp(step))[1], 1.0)
    after = float(mse(layer.forward(x), target))
    predicted = before + gradient @ step + np.sum((matrix @ step) ** 2) / 4
    assert after < 0.9 * before
    np.testing.assert_allclose(after, predicted, rtol=0.02)


# --- errors ---------------------------------------------------------------------------


def test_unknown_mode(rng, to_xp, layer_to_xp):
    layer, x, _ = build("actnorm", rng, to_xp, layer_to_xp)
    with pytest.raises(ValueError, match=r"Jacobian: expected io_mode .* got 'theta'"):
        Jacobian(layer, x, "theta")


def test_layer_without_parameters(rng, to_xp):
    x = to_xp(rng.normal(size=(1, 1, 2, 2)))
    with pytest.raises(
        ValueError, match="a layer with parameters for io_mode='params'"
    ):
        Jacobian(ShuffleLayer(), x)
    assert Jacobian(ShuffleLayer(), x, "full").shape == (5, 4)


def test_modes_a_net_has_not(rng, to_xp, layer_to_xp):
    net, x, _ = build("net", rng, to_xp, layer_to_xp)
    for options in ({"io_mode": "full"}, {"inverse": True}):
        with pytest.raises(
            ValueError, match="io_mode other than 'full' and inverse=Fal"
        ):
            Jacobian(net, x, **options)


def test_uninitialised_layers(rng, to_xp, layer_to_xp):
    layer = layer_to_xp(ActNorm(2, dtype="float64"))
    x = to_xp(rng.normal(size=(2, 2, 3)))
    with pytest.raises(NotInitializedError, match=r"ActNorm\.jacobian: .* for s"):
        Jacobian(layer, x)
    with pytest.raises(NotInitializedError, match=r"ActNorm\.jacobian_inv"):
        Jacobian(layer, x, inverse=True)
    assert not layer.initialized


def test_wrong_layers_and_points(rng, to_xp, layer_to_xp):
    layer, x, _ = build("glow", rng, to_xp, layer_to_xp)
    with pytest.raises(TypeError, match="Jacobian: expected a Bijection or a Net"):
        Jacobian(np.sin, x)
    with pytest.raises(TypeError, match="x to be float64"):
        Jacobian(layer, x.astype("float32"))
    with pytest.raises(ValueError, match="spatial sizes divisible by 4"):
        Jacobian(layer, x[:, :, :3])
    with pytest.raises(TypeError, match="expected no condition"):
        Jacobian(layer, x, cond=x)
    with pytest.raises(ValueError, match="to be a tuple of two arrays"):
        Jacobian(build("pair", rng, to_xp, layer_to_xp)[0], x)
    net = layer_to_xp(Dense(3, 2, dtype="float64", rng=1))
    with pytest.raises(ValueError, match=r"Dense\.jacobian"):
        Jacobian(net, x)


def test_vectors_of_another_library(rng, xp, to_xp, layer_to_xp):
    layer, x, _ = build("actnorm", rng, to_xp, layer_to_xp)
    other = [1.0] * 4 if xp is np else np.ones(4)
    with pytest.raises(TypeError, match=r"expected .* got"):
        Jacobian(layer, x).split_domain(other)


def test_wrong_vectors(rng, to_xp, layer_to_xp):
    layer, x, _ = build("actnorm", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x)
    with pytest.raises(ValueError, match="dimension mismatch"):
        operator.matvec(to_xp(np.ones(5)))
    with pytest.raises(ValueError, match=r"split_domain: expected a vector of 4"):
        operator.split_domain(to_xp(np.ones(5)))
    with pytest.raises(TypeError, match=r"a real .* vector"):
        operator.matvec(to_xp(np.ones(4, "complex128")))
    with pytest.raises(ValueError, match="no dx in this io_mode"):
        operator.join_domain(dx=x)
    with pytest.raises(ValueError, match="join_domain: expected arrays of shapes"):
        operator.join_domain(dtheta=[layer.s.data])
    with pytest.raises(ValueError, match="join_domain: expected arrays of shapes"):
        Jacobian(layer, x, "input").join_domain(dtheta=[layer.s.data])
    with pytest.raises(ValueError, match="join_range: expected arrays of shapes"):
        operator.join_range(x, 1.0)
