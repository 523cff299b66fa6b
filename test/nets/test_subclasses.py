"""Kernels and threads must not pass over what a user's subclass changes."""

import numpy as np
import pytest
from sharing import share_all_work
from threadpoolctl import threadpool_limits

from invertiblenetworks import ConcatCond, Coupling, ReLUlayer, ResidualBlock
from invertiblenetworks.compose import ChannelSplit
from invertiblenetworks.transformers import AdditiveTransformer

SIZES = dict(n_out=2, k2=1, p2=0, fan=True, zero=False, dtype="float64", rng=0)


class Shifted(ResidualBlock):
    """Changes a part of what the streamed kernel does in one."""

    def _hidden(self, x):
        h1, h2 = super()._hidden(x)
        return h1, h2 + 1.0


class Centred(ResidualBlock):
    """Depends on the whole batch."""

    def _forward(self, x, cond):
        return super()._forward(x - x.mean(axis=0), cond)


class Signed(ReLUlayer):
    """Another function than that of its base class."""

    def forward(self, x):
        return np.abs(x)

    def derivative(self, y):
        return np.ones_like(y)

    def vjp(self, dy, y):
        return dy


@pytest.fixture
def x(rng):
    return rng.standard_normal((4, 2, 6, 6))


def test_part_of_a_block(x):
    plain, shifted = ResidualBlock(2, 3, **SIZES), Shifted(2, 3, **SIZES)
    assert np.abs(plain.forward(x) - shifted.forward(x)).max() > 1e-3
    _, y = shifted.jacobian(x, None, x)
    np.testing.assert_allclose(shifted.forward(x), y, rtol=1e-12)


def test_net_that_sees_the_whole_batch(x, monkeypatch):
    share_all_work(monkeypatch)
    layer = Coupling(Centred(2, 3, **SIZES), AdditiveTransformer(), ChannelSplit(2))
    state = np.concatenate([x, x], axis=1)
    found = []
    for n_workers in (1, 2):
        with threadpool_limits(n_workers):
            found.append(layer.forward(state))
    np.testing.assert_array_equal(*found)
    assert not ConcatCond(Centred(2, 3, **SIZES)).splits_batch
    assert ConcatCond(ResidualBlock(2, 3, **SIZES)).splits_batch


def test_activation(x):
    net = ResidualBlock(2, 3, activation=Signed(), **SIZES)
    _, y = net.jacobian(x, None, x)
    np.testing.assert_allclose(net.forward(x), y, rtol=1e-12)


def test_transformer_without_out_is_refused():
    class Old(AdditiveTransformer):
        def forward(self, b, p):
            return b + p, 0.0

    net = ResidualBlock(2, 3, **SIZES)
    with pytest.raises(TypeError, match="a transformer that accepts out"):
        Coupling(net, Old(), ChannelSplit(2))
