"""What speed must not cost: gradients in single precision stay those of double."""

import copy

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from invertiblenetworks import ADAM, NetworkGlow
from invertiblenetworks.kernels.activation_layers import ReLUlayer

BATCH = 8


def images(rng, number):
    """Smooth random images, as correlated as those that Glow is used for."""
    noise = rng.standard_normal((number, 3, 16, 16))
    for axis in (2, 3):
        noise = noise + np.roll(noise, 1, axis) + np.roll(noise, -1, axis)
    return (noise / noise.std()).astype("float32")


def gradients(net, x):
    net.clear_grad()
    z, _ = net.forward(x)
    net.backward(z / len(x), z)
    return net.get_grads()


def glow(block_activation, dtype="float32"):
    options = dict(split_scales=True, block_activation=block_activation)
    return NetworkGlow(3, 16, L=3, K=8, rng=1, dtype=dtype, **options)


def trained(block_activation):
    rng = np.random.default_rng(0)
    net, optimizer, losses = glow(block_activation), ADAM(2e-3), []
    for _ in range(80):
        x = images(rng, BATCH)
        z, logdet = net.forward(x)
        losses.append(0.5 / BATCH * (z**2).sum() - logdet)
        net.clear_grad()
        net.backward(z / BATCH, z)
        optimizer.step(net.get_params())
    assert np.mean(losses[-5:]) < losses[0] - 100
    return net


@pytest.fixture(scope="module", params=["tanh", "relu"])
def network(request):
    return request.param, trained(request.param)


def worst_error(found, wanted):
    """Of all parameters, relative, in the 2-norm."""
    pairs = zip(found, wanted, strict=True)
    return max(np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_gradients_of_a_trained_network(network, n_workers):
    activation, net = network
    rng, double = np.random.default_rng(2), copy.deepcopy(net).astype("float64")
    with threadpool_limits(n_workers):
        batches = [images(rng, BATCH) for _ in range(9)]
        errors = [
            worst_error(gradients(net, x), gradients(double, x.astype("float64")))
            for x in batches
        ]
    # A ReLU whose argument is zero up to rounding may be on in one precision and off
    # in the other, which no accuracy of the arithmetic prevents: that is one batch of
    # this size in fifteen, and which one changes with every other rounding. The test
    # below says that it is nothing else.
    limited = max if activation == "tanh" else np.median
    assert limited(errors) < 1e-4


class TiltedReLU(ReLUlayer):
    """ReLU, with some units that are zero to rounding on the other side of zero."""

    NEAR = 1e-5

    def __init__(self, tilted):
        self.tilted, self.near, self.n_calls = tilted, [], 0

    def forward(self, x):
        y, size = super().forward(x), np.abs(x)
        near = (size < self.NEAR * size.mean()) & (size > 0)
        for place in zip(*np.nonzero(near), strict=True):
            unit = (self.n_calls, place)
            self.near.append((size[place], unit))
            if unit in self.tilted:
                y[place] = 0.0 if x[place] > 0 else np.finfo(y.dtype).tiny
        self.n_calls += 1
        return y


def gradients_with(net, x, tilted):
    """Gradients in double precision, and the units nearest to zero, those first."""
    kinks = TiltedReLU(tilted)
    double = glow(kinks, "float64")
    for own, other in zip(double.get_params(), net.get_params(), strict=True):
        own.set(other.data.astype("float64"))
    found = gradients(double, x.astype("float64"))
    return found, [unit for _, unit in sorted(kinks.near)]


def test_relus_differ_at_their_kinks_only(each_library):
    """With few units that are zero to rounding turned on or off, gradients agree.

    So each gradient in single precision is that of a linear piece which the state
    touches, as accurate as if there were no kinks.
    """
    net, rng, n_turned = trained("relu"), np.random.default_rng(2), 0
    for _ in range(9):
        x, tilted = images(rng, BATCH), []
        with threadpool_limits(1):
            single = gradients(net, x)
            double, near = gradients_with(net, x, tilted)
            error = worst_error(single, double)
            for unit in near:
                if error < 1e-4:
                    break
                turned, _ = gradients_with(net, x, [*tilted, unit])
                if worst_error(single, turned) < error:
                    tilted.append(unit)
                    error = worst_error(single, turned)
        assert error < 1e-4
        n_turned += len(tilted)
    assert n_turned <= 5  # Of nearly half a million in each batch.
