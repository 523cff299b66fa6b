"""What the test-suite of the original checks that the generated battery does not.

In the sizes used there, which are larger than those of the battery.
"""

from __future__ import annotations

import numpy as np
import pytest
from randomized import randomized

import invertiblenetworks as inn
from invertiblenetworks.testing import taylor_order
from invertiblenetworks.testing.numeric import add_scaled, inner, random_like


def relative(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def expect_round_trip(layer, x, cond=None, tolerance=1e-10):
    """Both orders, and the input that ``backward`` recomputes."""
    arguments = () if cond is None else (cond,)
    layer.initialize(x, *arguments)
    y = layer.forward(x, *arguments)
    y = y[0] if isinstance(y, tuple) else y
    assert relative(layer.inverse(y, *arguments), x) < tolerance
    assert relative(layer.backward(y, y, *arguments)[1], x) < tolerance
    z = layer.forward(layer.inverse(x, *arguments), *arguments)
    assert relative(z[0] if isinstance(z, tuple) else z, x) < tolerance


def parameters_with_gradients(layer):
    """Count them, and see that they are as large as what they belong to."""
    grads = [(p.data, p.grad) for p in layer.get_params() if p.grad is not None]
    assert all(data.shape == grad.shape for data, grad in grads)
    return len(grads)


# --- functions ------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["column", "patch", "checkerboard"])
@pytest.mark.parametrize(
    ("odd", "even"),
    [((3, 8, 27, 27), (3, 2, 54, 54)), ((2, 8, 27, 27, 27), (2, 1, 54, 54, 54))],
)
def test_odd_sizes_can_be_unsqueezed(pattern, odd, even, rng):
    x = rng.normal(size=odd)
    y = inn.unsqueeze(x, pattern)
    assert y.shape == even
    np.testing.assert_array_equal(inn.squeeze(y, pattern), x)


@pytest.mark.parametrize("shape", [(4, 2, 28, 28), (4, 2, 16, 16, 16)])
def test_haar_keeps_the_norm(shape, rng):
    x = rng.normal(size=shape)
    y = inn.haar_squeeze(x)
    np.testing.assert_allclose(np.linalg.norm(y), np.linalg.norm(x), rtol=1e-13)
    assert relative(inn.haar_unsqueeze(y), x) < 1e-13


# --- composition ----------------------------------------------------------------------


def composed(rng):
    def hint(seed):
        layer = inn.CouplingLayerHINT(
            4, 8, permute="full", logdet=True, dtype="float64", rng=seed
        )
        return randomized(layer, rng, 0.05)

    return [hint(0), inn.ActNorm(4, logdet=True, dtype="float64"), hint(1)]


def test_composition_of_hint_and_actnorm(rng):
    parts = composed(rng)
    x = rng.normal(size=(5, 4, 56, 28))
    net = inn.Composition(*parts)
    assert len(net) == 3
    expect_round_trip(net, x)
    y, logdet = net.forward(x)
    by_hand, total = x, 0.0
    for part in reversed(parts):
        by_hand, ld = part.forward(by_hand)
        total += ld
    np.testing.assert_allclose(y, by_hand, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(logdet, total, rtol=1e-12)
    y_product, logdet_product = (parts[0] @ parts[1] @ parts[2]).forward(x)
    np.testing.assert_array_equal(y_product, y)
    np.testing.assert_allclose(logdet_product, logdet, rtol=1e-12)


def test_gradient_and_derivative_of_a_composition(rng):
    net = inn.Composition(*composed(rng))
    x, target = rng.normal(size=(2, 5, 4, 56, 28))
    net.initialize(x)
    theta = [p.data.copy() for p in net.get_params()]
    direction = random_like([x, *theta], rng)
    length = inner(direction, direction) ** 0.5
    direction = [part / length for part in direction]

    def at(step):
        moved, *values = add_scaled([x, *theta], step, direction)
        net.set_params(values)
        return net.forward(moved)

    def objective(step):
        y, logdet = at(step)
        return inn.mse(y, target) - logdet

    y, logdet = at(0.0)
    dx, _ = net.backward(inn.mse_grad(y, target), y)
    slope = inner([dx, *net.get_grads()], direction)
    value = objective(0.0)
    fit = taylor_order(
        lambda h: abs(objective(h) - value - h * slope),
        steps=[2.0**-k for k in range(2, 7)],
    )
    assert fit.order > 1.9, fit
    dy, _, dlogdet, _ = net.jacobian(direction[0], direction[1:], x)

    def remainder(step):
        y_moved, logdet_moved = at(step)
        errors = [y_moved - y - step * dy, logdet_moved - logdet - step * dlogdet]
        return inner(errors, errors) ** 0.5

    fit = taylor_order(remainder, steps=[2.0**-k for k in range(2, 7)])
    assert fit.order > 1.9, fit


# --- layers and nets ------------------------------------------------------------------


def test_actnorm_and_its_reverse_in_every_order(rng):
    x = 3.0 + 2.0 * rng.normal(size=(2, 3, 4, 4))
    for first_batch in ("forward", "inverse"):
        layer = inn.ActNorm(3, logdet=True, dtype="float64")
        backwards = inn.reverse(layer)
        if first_batch == "forward":
            y, _ = layer.forward(x)
        else:
            y, _ = backwards.forward(x)
        np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), 0.0, atol=1e-13)
        np.testing.assert_allclose(y.var(axis=(0, 2, 3), ddof=1), 1.0, rtol=1e-12)
        for there, back in (
            (layer.forward, backwards.forward),
            (backwards.forward, layer.forward),
            (layer.forward, layer.inverse),
            (backwards.forward, backwards.inverse),
        ):
            y, *_ = there(x)
            x_again = back(y)
            x_again = x_again[0] if isinstance(x_again, tuple) else x_again
            np.testing.assert_allclose(x_again, x, rtol=1e-12)


@pytest.mark.parametrize("logdet", [False, True])
def test_dense_coupling_with_odd_channels(logdet, rng):
    layer = inn.CouplingLayerGlow(
        3, 4, nx=24, dense=True, ndims=1, logdet=logdet, dtype="float64", rng=0
    )
    expect_round_trip(randomized(layer, rng, 0.05), rng.normal(size=(2, 3, 24)))
    assert parameters_with_gradients(layer) == 3 + 6


def test_resnet_of_four_blocks(rng):
    net = inn.ResNet(3, 8, 4, dtype="float64", rng=0)
    x, target = rng.normal(size=(2, 2, 3, 16, 16))
    theta = [p.data.copy() for p in net.get_params()]
    direction = random_like([x, *theta], rng)

    def objective(step):
        moved, *values = add_scaled([x, *theta], step, direction)
        net.set_params(values)
        return inn.mse(net.forward(moved), target)

    value = objective(0.0)
    dx = net.backward(inn.mse_grad(net.forward(x), target), x)
    assert parameters_with_gradients(net) == 4 * 4
    slope = inner([dx, *net.get_grads()], direction)
    fit = taylor_order(
        lambda h: abs(objective(h) - value - h * slope),
        steps=[2.0**-k for k in range(14, 20)],
    )
    assert fit.order > 1.9, fit


# --- networks -------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 2, 32, 32), (1, 2, 16, 16, 16)])
@pytest.mark.parametrize("split_scales", [False, True])
@pytest.mark.parametrize("logdet", [False, True])
def test_glow(shape, split_scales, logdet, rng):
    net = inn.NetworkGlow(
        2,
        4,
        2,
        2,
        logdet=logdet,
        split_scales=split_scales,
        ndims=len(shape) - 2,
        dtype="float64",
        rng=0,
    )
    expect_round_trip(randomized(net, rng, 0.03), rng.normal(size=shape))
    assert parameters_with_gradients(net) == 10 * 2 * 2


@pytest.mark.parametrize(("nx", "L"), [(32, 2), (2, 1)])
def test_dense_glow(nx, L, rng):
    net = inn.NetworkGlow(
        2,
        2,
        L,
        2,
        nx=nx,
        dense=True,
        split_scales=True,
        ndims=1,
        dtype="float64",
        rng=0,
    )
    expect_round_trip(randomized(net, rng, 0.03), rng.normal(size=(3, 2, nx)))
    assert parameters_with_gradients(net) == 11 * L * 2


@pytest.mark.parametrize("spatial", [(16, 16), (8, 8, 8)])
@pytest.mark.parametrize("summarized", [False, True])
@pytest.mark.parametrize(("n_in", "split_scales"), [(3, False), (2, True)])
def test_conditional_glow(n_in, split_scales, summarized, spatial, rng):
    common = {"ndims": len(spatial), "dtype": "float64", "rng": 0}
    net = inn.NetworkConditionalGlow(
        n_in, 3, 4, 2, 2, split_scales=split_scales, **common
    )
    count = 10 * 2 * 2 + 2
    if summarized:
        net = inn.SummarizedNet(net, inn.ResNet(3, 4, 3, **common))
        count += 12
    x, cond = (rng.normal(size=(2, c, *spatial)) for c in (n_in, 3))
    expect_round_trip(randomized(net, rng, 0.03), x, cond)
    assert parameters_with_gradients(net) == count


def test_unrolled_loop_on_a_volume(rng):
    net = inn.NetworkLoop3D(
        2, 4, 2, "sigmoid", kind="HINT", k1=3, p1=1, s1=1, dtype="float64", rng=0
    )
    eta, s = rng.normal(size=(2, 2, 1, 8, 8, 8))
    A = rng.normal(size=(40, 512)) / 40
    d = rng.normal(size=(2, 40))
    randomized(net, rng, 0.05)
    eta_out, s_out = net.forward(eta, s, d, A)
    for found in (
        net.inverse(eta_out, s_out, d, A),
        net.backward(eta_out, s_out, eta_out, s_out, d, A)[2:],
    ):
        assert relative(found[0], eta) < 1e-10
        assert relative(found[1], s) < 1e-10


def test_generator_of_a_swirl(rng):
    steps = []
    for seed in range(4):
        coupling = inn.CouplingLayerGlow(2, 16, k1=1, p1=0, dtype="float64", rng=seed)
        steps += [inn.ActNorm(2, dtype="float64"), coupling]
    net = randomized(inn.Chain(*steps, logdet=True), rng, 0.1)
    x = inn.sample_swirl(64, rng=rng).astype("float64")
    expect_round_trip(net, x)


def test_five_steps_of_training_reduce_the_loss(rng):
    net = inn.NetworkGlow(2, 8, 1, 2, rng=0)
    x = rng.normal(size=(16, 2, 8, 8)).astype("float32")
    x[:, 1] += x[:, 0]
    optimizer, losses = inn.ADAM(1e-2), []
    for _ in range(5):
        z, logdet = net.forward(x)
        losses.append(float(-inn.log_likelihood(z) - logdet))
        net.clear_grad()
        net.backward(-inn.log_likelihood_grad(z), z)
        assert parameters_with_gradients(net) == len(net.get_params())
        optimizer.step(net.get_params())
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] - 0.1
