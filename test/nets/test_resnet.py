"""Facts about residual networks and the bijections inside them."""

import numpy as np
import pytest

from invertiblenetworks import (
    ActNorm,
    AdditiveTransformer,
    AsNet,
    ConcatCond,
    Conv,
    Coupling,
    Dense,
    NotInitializedError,
    ResNet,
    Sequential,
    Skip,
    Split,
)
from invertiblenetworks.compose import ChannelSplit


def test_block_written_out(rng):
    net = ResNet(2, 3, 1, k=1, p=0, dtype="float64", rng=0)
    first, second = net.nets[0].net.nets[0], net.nets[0].net.nets[2]
    for p in (first.b, second.b):
        p.data += rng.normal(size=p.shape)
    x = rng.normal(size=(2, 2, 3, 3))
    h = np.einsum("oc,nchw->nohw", first.W.data[:, :, 0, 0], x)
    h = np.maximum(h + first.b.data[:, None, None], 0)
    y = x + np.einsum("oc,nchw->nohw", second.W.data[:, :, 0, 0], h)
    y += second.b.data[:, None, None]
    np.testing.assert_allclose(net.forward(x), y, atol=1e-13)


def test_parameters_as_in_the_original():
    assert len(ResNet(2, 3, 4).get_params()) == 4 * 4
    assert len(ResNet(2, 3, 4, n_out=5).get_params()) == 4 * 3 + 2
    net = ResNet(2, 3, 1, n_out=5, k=2, p=0, s=2)
    assert net.forward(np.ones((1, 2, 4, 4), "float32")).shape == (1, 5, 2, 2)


def test_zero_start(rng):
    x = rng.normal(size=(1, 2, 4, 4)).astype("float32")
    np.testing.assert_array_equal(ResNet(2, 3, 3, zero=True).forward(x), x)
    assert not ResNet(2, 3, 3, n_out=4, zero=True).forward(x).any()


def test_actnorm_takes_its_statistics_from_the_first_batch(rng):
    net = ResNet(2, 3, 2, norm=ActNorm, dtype="float64", rng=0)
    x = rng.normal(2.0, 3.0, size=(5, 2, 4, 4))
    with pytest.raises(NotInitializedError, match="initialize"):
        net.backward(x, x)
    assert net.initialize(x) is net
    for block in net.nets:
        conv, norm = block.net.nets[:2]
        h = norm.forward(conv.forward(x))
        np.testing.assert_allclose(h.mean(axis=(0, 2, 3)), 0.0, atol=1e-12)
        np.testing.assert_allclose(h.var(axis=(0, 2, 3), ddof=1), 1.0, atol=1e-12)
        x = block.forward(x)


@pytest.mark.parametrize("inverse", [False, True])
def test_coupling_initialises_its_conditioner(rng, inverse):
    net = ResNet(2, 3, 2, norm=ActNorm, dtype="float64", rng=0)
    layer = Coupling(net, AdditiveTransformer(), ChannelSplit(2))
    x = rng.normal(2.0, 3.0, size=(5, 4, 4, 4))
    first, second = (layer.inverse, layer.forward)[:: 1 if inverse else -1]
    np.testing.assert_allclose(second(first(x)), x, atol=1e-11)


def test_conditional_nets_initialise_too(rng):
    net = ConcatCond(Skip(AsNet(ActNorm(3, dtype="float64"))))
    net.forward(rng.normal(size=(4, 1)), rng.normal(size=(4, 2)))
    assert net.initialized


def test_other_nets_can_normalise(rng):
    def norm(n_channels, dtype):
        return Conv(n_channels, n_channels, 1, bias=False, dtype=dtype)

    net = ResNet(2, 3, 1, norm=norm, dtype="float64")
    assert isinstance(net.nets[0].net.nets[1], Conv)
    assert net.forward(rng.normal(size=(1, 2, 3, 3))).dtype == "float64"


def test_arguments_are_checked():
    with pytest.raises(TypeError, match="such as the class ActNorm, got str 'batch'"):
        ResNet(2, 3, 1, norm="batch")
    with pytest.raises(ValueError, match="blocks that keep the spatial size"):
        ResNet(2, 3, 2, k=3, p=0)
    with pytest.raises(TypeError, match="AsNet: expected a Bijection"):
        AsNet(Dense(2, 2))
    with pytest.raises(TypeError, match="Skip: expected a Net"):
        Skip(ActNorm(2))
    with pytest.raises(TypeError, match="Sequential: expected nets without condition"):
        Sequential(Skip(ConcatCond(Dense(3, 2))))
    x = np.ones((2, 3), "float32")
    with pytest.raises(ValueError, match=r"Skip\.forward: expected a net that keeps"):
        Skip(Dense(3, 2)).forward(x)
    with pytest.raises(ValueError, match=r"AsNet\.forward: expected one array"):
        AsNet(Split(1)).forward(x)
