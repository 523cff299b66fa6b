"""Facts about optimisers: their rules, what they touch, and that they train."""

import gc

import numpy as np
import pytest
from optimiser_cases import (
    OPTIMISERS,
    SHAPES,
    assert_same,
    give_and_step,
    give_gradients,
    parameters,
    values,
)

from invertiblenetworks import ActNorm, Chain, CouplingLayerGlow, Parameter
from invertiblenetworks.datasets import sample_banana
from invertiblenetworks.optim import ADAM, SGD, exponential_decay

ALL = pytest.mark.parametrize("name", OPTIMISERS)

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
@pytest.mark.parametrize("options", [{}, {"lr": 0.05, "betas": (0.5, 0.9), "eps": 0.1}])
def test_adam_is_the_algorithm_of_the_paper(rng, to_xp, to_numpy, dtype, rtol, options):
    params = parameters(rng, to_xp, dtype)
    start, opt = values(params, to_numpy), ADAM(**options)
    given = [give_and_step(opt, params, rng, to_xp) for _ in range(20)]
    lr, (beta1, beta2) = options.get("lr", 1e-3), options.get("betas", (0.9, 0.999))
    eps = options.get("eps", 1e-8)
    for i, p in enumerate(params):
        wanted = plain_adam(start[i], [g[i] for g in given], lr, beta1, beta2, eps)
        assert p.data.dtype == dtype
        np.testing.assert_allclose(to_numpy(p.data), wanted, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("gradient", [1e-6, 0.3, -4e4])
def test_constant_gradient_moves_adam_by_its_step_length(to_xp, to_numpy, gradient):
    """Section 2.1 of the paper: |move| = lr, at any scale of the gradient."""
    p, opt = Parameter(to_xp(np.zeros(3))), ADAM(0.01, eps=1e-20)
    p.accumulate(to_xp(np.full(3, gradient)))
    for t in range(1, 200):
        opt.update(p)
        wanted = -np.sign(gradient) * 0.01 * t
        np.testing.assert_allclose(to_numpy(p.data), wanted, rtol=1e-10)


def test_lone_gradient_after_many_zeros(to_xp, to_numpy):
    """Section 2.1, sparse case: the move is lr (1 - beta1) / sqrt(1 - beta2)."""
    p, opt = Parameter(to_xp(np.zeros(1))), ADAM(1.0, eps=1e-20)
    zeros = {"m.0": np.zeros(1), "v.0": np.zeros(1)}
    opt.load_state_dict([p], {"lr": np.array(1.0), "count": np.array([10**6]), **zeros})
    p.accumulate(to_xp(np.array([3.0])))
    opt.update(p)
    wanted = -(1 - 0.9) / np.sqrt(1 - 0.999)
    np.testing.assert_allclose(to_numpy(p.data), wanted, rtol=1e-12)


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


@ALL
def test_update_of_each_is_step_of_all(rng, to_xp, to_numpy, name):
    together, apart = OPTIMISERS[name](), OPTIMISERS[name]()
    params = parameters(rng, to_xp)
    copies = [Parameter(p.data.copy()) for p in params]
    for _ in range(3):
        give_and_step(together, params, rng, to_xp)
        for p, copy in zip(params, copies, strict=True):
            copy.grad = p.grad
            apart.update(copy)
    assert_same(values(params, to_numpy), values(copies, to_numpy))


# --- what is touched and what is not --------------------------------------------------


@ALL
def test_moves_in_place_and_keeps_gradients(rng, to_xp, to_numpy, name):
    params = parameters(rng, to_xp)
    arrays, before = [p.data for p in params], values(params, to_numpy)
    opt = OPTIMISERS[name](clip_norm=0.1)
    for _ in range(2):
        gradients = give_and_step(opt, params, rng, to_xp)
        assert_same([to_numpy(p.grad) for p in params], gradients)
    for p, array, value in zip(params, arrays, before, strict=True):
        assert p.data is array
        assert (to_numpy(p.data) != value).all()


@ALL
def test_leaves_alone_what_has_no_gradient_or_is_frozen(rng, to_xp, to_numpy, name):
    params, opt = parameters(rng, to_xp), OPTIMISERS[name]()
    unset = Parameter(shape=(2,), dtype="float64")
    before = values(params, to_numpy)
    give_gradients(params, rng, to_xp)
    params[0].clear_grad()
    params[1].trainable = False
    opt.step([*params, unset])
    opt.update(unset)
    assert_same(values(params[:2], to_numpy), before[:2])
    assert (to_numpy(params[2].data) != before[2]).all()
    assert not unset.initialized
    assert opt.state_dict(params)["count"].tolist() == [0, 0, 1]


@ALL
def test_shared_parameter_moves_once(rng, to_xp, to_numpy, name):
    params = parameters(rng, to_xp)
    copies = [Parameter(p.data.copy()) for p in params]
    give_gradients(params, rng, to_xp)
    for p, copy in zip(params, copies, strict=True):
        copy.grad = p.grad
    OPTIMISERS[name](clip_norm=1.0).step(params + params[:2])
    OPTIMISERS[name](clip_norm=1.0).step(copies)
    assert_same(values(params, to_numpy), values(copies, to_numpy))


def test_counts_are_kept_for_each_parameter(rng, to_xp, to_numpy):
    """A parameter that joins late makes a first step, of length lr."""
    params, opt = parameters(rng, to_xp), ADAM(0.1)
    for _ in range(5):
        give_gradients(params[:1], rng, to_xp)
        opt.step(params[:1])
    before = to_numpy(params[1].data).copy()
    give_and_step(opt, params, rng, to_xp)
    moved = abs(to_numpy(params[1].data) - before)
    np.testing.assert_allclose(moved, 0.1, rtol=1e-6)
    assert opt.state_dict(params)["count"].tolist() == [6, 1, 1]


def test_moments_of_dropped_parameters_are_freed(rng, to_xp):
    params, opt = parameters(rng, to_xp), ADAM()
    give_and_step(opt, params, rng, to_xp)
    assert len(opt._states) == 3
    del params[1:]
    gc.collect()
    assert len(opt._states) == 1


def test_moments_follow_a_parameter_that_is_cast_or_moved(rng, to_xp, to_numpy, xp):
    host = [Parameter(rng.normal(size=s)) for s in SHAPES]
    stays = [Parameter(p.data.copy()) for p in host]
    opt = ADAM(0.1)
    for _ in range(3):
        for p, copy in zip(host, stays, strict=True):
            p.grad = copy.grad = rng.normal(size=p.shape)
        opt.step(host)
        opt.step(stays)
    for p, copy in zip(host, stays, strict=True):
        p.convert(lambda a: to_xp(a.astype("float32")))
        gradient = rng.normal(size=p.shape)
        p.grad, copy.grad = to_xp(gradient.astype("float32")), gradient
    opt.step(host)
    opt.step(stays)
    assert opt.state_dict(host)["v.0"].dtype == np.float32
    for p, copy in zip(host, stays, strict=True):
        assert isinstance(p.data, xp.ndarray)
        assert p.data.dtype == np.float32
        np.testing.assert_allclose(to_numpy(p.data), copy.data, atol=1e-6)


# --- training -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["adam", "momentum"])
def test_quadratic_function_is_minimised(rng, to_xp, to_numpy, name):
    opt = OPTIMISERS[name](schedule=exponential_decay(0.98))
    curvature = rng.uniform(0.5, 2.0, size=4)
    minimum = rng.normal(size=4)
    p = Parameter(to_xp(np.zeros(4)))
    for _ in range(300):
        p.grad = to_xp(curvature) * (p.data - to_xp(minimum))
        opt.update(p)
    np.testing.assert_allclose(to_numpy(p.data), minimum, atol=1e-2)


def test_loop_of_the_original_trains(xp, to_xp, layer_to_xp):
    """Four Glow steps on the banana, with the loop as users write it."""
    layers = []
    for k in range(4):
        layers += [ActNorm(2), CouplingLayerGlow(2, 16, k1=1, p1=0, rng=k)]
    G = layer_to_xp(Chain(*layers, logdet=True))
    opt, N = ADAM(1e-2), 64
    rng, losses = np.random.default_rng(11), []
    for _ in range(120):
        X = to_xp(sample_banana(N, rng=rng))
        Z, logdet = G.forward(X)
        f = 0.5 / N * xp.linalg.norm(Z) ** 2 - logdet
        G.backward(Z / N, Z)
        for p in G.get_params():
            opt.update(p)
        G.clear_grad()
        losses.append(float(f))
    # The first batch is normalised; the best possible value is 1 nat per sample. A
    # single stretch may be a bad one: at first the mixing has no gradient but
    # rounding, of which ADAM makes steps like any other.
    stretches = np.reshape(losses, (-1, 10)).mean(axis=1)
    assert stretches[5:].min() < np.mean(losses[:5]) - 0.8
