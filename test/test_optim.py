"""Facts about optimisers, clipping and schedules."""

import gc

import numpy as np
import pytest

from invertiblenetworks import ActNorm, Chain, CouplingLayerGlow, Parameter
from invertiblenetworks.datasets import sample_banana
from invertiblenetworks.optim import (
    ADAM,
    SGD,
    clip_grad_norm,
    cosine_decay,
    exponential_decay,
)

SHAPES = [(3, 4), (5,), (2, 1, 3)]
OPTIMISERS = {
    "adam": lambda **options: ADAM(0.1, **options),
    "sgd": lambda **options: SGD(0.1, **options),
    "momentum": lambda **options: SGD(0.1, 0.9, **options),
}
BOTH = pytest.mark.parametrize("name", OPTIMISERS)


def parameters(rng, to_xp, dtype="float64"):
    return [Parameter(to_xp(rng.normal(size=s).astype(dtype))) for s in SHAPES]


def give_gradients(params, rng, to_xp):
    """Set random gradients, and return them as NumPy arrays."""
    gradients = [rng.normal(size=p.shape).astype(p.dtype) for p in params]
    for p, gradient in zip(params, gradients, strict=True):
        p.clear_grad()
        p.accumulate(to_xp(gradient))
    return gradients


def values(params, to_numpy):
    return [to_numpy(p.data).copy() for p in params]


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


# --- rules ----------------------------------------------------------------------------


def plain_adam(data, gradients, lr, beta1, beta2, eps):
    """Algorithm 1 of the paper, step by step as printed there."""
    m, v = 0.0, 0.0
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        data = data - lr * m_hat / (np.sqrt(v_hat) + eps)
    return data


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize(
    "options", [{}, {"lr": 0.05, "betas": (0.5, 0.9), "eps": 0.1}]
)
def test_adam_is_the_algorithm_of_the_paper(
    rng, to_xp, to_numpy, dtype, rtol, options
):
    params = parameters(rng, to_xp, dtype)
    start, opt = values(params, to_numpy), ADAM(**options)
    given = [give_and_step(opt, params, rng, to_xp) for _ in range(20)]
    lr, (beta1, beta2) = options.get("lr", 1e-3), options.get("betas", (0.9, 0.999))
    eps = options.get("eps", 1e-8)
    for i, p in enumerate(params):
        wanted = plain_adam(start[i], [g[i] for g in given], lr, beta1, beta2, eps)
        assert p.data.dtype == dtype
        np.testing.assert_allclose(to_numpy(p.data), wanted, rtol=rtol, atol=rtol)


def give_and_step(opt, params, rng, to_xp):
    gradients = give_gradients(params, rng, to_xp)
    opt.step(params)
    return gradients


@pytest.mark.parametrize("gradient", [1e-6, 0.3, -4e4])
def test_constant_gradient_moves_adam_by_its_step_length(to_xp, to_numpy, gradient):
    """Section 2.1 of the paper: |move| = lr, at any scale of the gradient."""
    p, opt = Parameter(to_xp(np.zeros(3))), ADAM(0.01, eps=1e-20)
    p.accumulate(to_xp(np.full(3, gradient)))
    for t in range(1, 200):
        opt.update(p)
        wanted = -np.sign(gradient) * 0.01 * t
        np.testing.assert_allclose(to_numpy(p.data), wanted, rtol=1e-10)


def test_lone_gradient_in_many_zeros(to_xp, to_numpy):
    """Section 2.1, sparse case: the move is lr (1 - beta1) / sqrt(1 - beta2)."""
    p, opt = Parameter(to_xp(np.zeros(1))), ADAM(1.0, eps=1e-20)
    for _ in range(20000):
        opt_state_without_gradient(opt, p, to_xp)
    before = to_numpy(p.data).copy()
    p.grad = to_xp(np.array([3.0]))
    opt.update(p)
    moved = before - to_numpy(p.data)
    np.testing.assert_allclose(moved, 0.1 / np.sqrt(0.001), rtol=1e-6)


def opt_state_without_gradient(opt, p, to_xp):
    p.grad = to_xp(np.zeros(1))
    opt.update(p)


def test_sgd_with_and_without_momentum(rng, to_xp, to_numpy):
    for momentum in (0.0, 0.8):
        params, opt = parameters(rng, to_xp), SGD(0.1, momentum)
        wanted = values(params, to_numpy)
        velocity = [np.zeros(s) for s in SHAPES]
        for _ in range(4):
            gradients = give_and_step(opt, params, rng, to_xp)
            for i, g in enumerate(gradients):
                velocity[i] = momentum * velocity[i] + g
                wanted[i] = wanted[i] - 0.1 * velocity[i]
        for p, value in zip(params, wanted, strict=True):
            np.testing.assert_allclose(to_numpy(p.data), value, rtol=1e-13)
