"""A Gauss-Newton step against the dense normal equations, and in use."""

import copy

import numpy as np
import pytest

from invertiblenetworks import (
    Jacobian,
    NetworkGlow,
    gauss_newton_step,
    mse,
    mse_grad,
    mse_hess,
    par2vec,
)


def network(rng, x):
    net = NetworkGlow(
        2, 3, 1, 1, ndims=0, dtype="float64", block_activation="tanh", rng=0
    )
    for p in net.get_params():
        if p.initialized:
            p.data += 0.3 * rng.normal(size=p.shape)
    net.initialize(x)
    return net


def test_solves_the_dense_normal_equations(rng, to_xp, to_numpy, layer_to_xp):
    x, target = rng.normal(size=(2, 7, 2))
    net = layer_to_xp(network(rng, x))
    x, target, damping = to_xp(x), to_xp(target), 0.1
    y = net.forward(x)[0]
    gradient, hessian = mse_grad(y, target), mse_hess(y, target)
    step = gauss_newton_step(
        net, x, gradient, hessian, damping=damping, max_iterations=200, tolerance=1e-13
    )
    J = Jacobian(net, x)
    columns = [to_numpy(J @ to_xp(unit)) for unit in np.eye(J.shape[1])]
    dense = np.stack(columns, axis=1)
    normal = dense.T @ dense / len(x) + damping * np.eye(len(columns))
    wanted = np.linalg.solve(normal, -dense.T @ to_numpy(gradient).ravel())
    found = to_numpy(par2vec(step)[0])
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_steps_reach_a_target_that_is_near(rng):
    x = rng.normal(size=(20, 2))
    net = network(rng, x)
    truth = copy.deepcopy(net)
    for p in truth.get_params():
        p.data += 0.05 * rng.normal(size=p.shape)
    target = truth.forward(x)[0]
    before = mse(net.forward(x)[0], target)
    for _ in range(5):
        y = net.forward(x)[0]
        step = gauss_newton_step(
            net, x, mse_grad(y, target), mse_hess(y, target), damping=1e-4
        )
        net.set_params(
            [p.data + d for p, d in zip(net.get_params(), step, strict=True)]
        )
    assert mse(net.forward(x)[0], target) < 1e-3 * before


def test_damping_is_checked(rng):
    x = rng.normal(size=(3, 2))
    net = network(rng, x)
    with pytest.raises(ValueError, match="gauss_newton_step: expected damping"):
        gauss_newton_step(net, x, x, mse_hess(x, x), damping=-1.0)
