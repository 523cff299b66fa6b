"""Facts about the couplings beyond the contract."""

import numpy as np
import pytest

from invertiblenetworks import (
    AffineTransformer,
    Conv1x1,
    CouplingLayerBasic,
    CouplingLayerGlow,
    Net,
    ResidualBlock,
)
from invertiblenetworks.kernels.activation_layers import SigmoidLayer


class CountingNet(Net):
    """Counts the evaluations of a conditioner."""

    def __init__(self, net):
        self.net, self.evaluations, self.pulls = net, 0, 0

    def _forward(self, x, cond):
        self.evaluations += 1
        return self.net._forward(x, cond)

    def _linearize(self, x, cond):
        self.evaluations += 1
        y, pull = self.net._linearize(x, cond)

        def counted(dy, add_grad):
            self.pulls += 1
            return pull(dy, add_grad)

        return y, counted

    def _check_shape(self, shape, cond_shape):
        return self.net._check_shape(shape, cond_shape)


def test_conditioner_is_evaluated_once_in_forward_and_once_in_backward(
    rng, to_xp, layer_to_xp
):
    block = ResidualBlock(2, 4, n_out=4, fan=True, dtype="float64", rng=0)
    net = CountingNet(block)
    x = to_xp(rng.normal(size=(2, 4, 3, 3)))
    conv = Conv1x1(4, dtype="float64", rng=0)
    layer = layer_to_xp(CouplingLayerGlow(conv, net, logdet=True))
    y, _ = layer.forward(x)
    assert (net.evaluations, net.pulls) == (1, 0)
    layer.backward(y, y)
    assert (net.evaluations, net.pulls) == (2, 1)
    layer.backward_inv(x, x)
    assert (net.evaluations, net.pulls) == (3, 2)
    layer.inverse(y)
    assert net.evaluations == 4


def test_coupling_starts_as_its_convolution(rng, to_xp, to_numpy, layer_to_xp):
    x = to_xp(rng.normal(size=(2, 4, 3, 3)))
    layer = layer_to_xp(CouplingLayerGlow(4, 8, dtype="float64", rng=0))
    conv = layer.layers[0]
    np.testing.assert_allclose(
        to_numpy(layer.forward(x)), to_numpy(conv.forward(x)), atol=1e-14
    )


def test_raw_scale_zero_with_the_sigmoid_of_the_original(to_xp, layer_to_xp):
    x1 = to_xp(np.ones((4, 2, 3, 3)))
    layer = CouplingLayerBasic(2, 4, logdet=True, activation="sigmoid", dtype="float64")
    _, _, logdet = layer_to_xp(layer).forward(x1, x1)
    np.testing.assert_allclose(float(logdet), 18 * np.log(0.5), rtol=1e-13)


def test_first_half_is_transformed_given_the_second(rng, to_xp, to_numpy, layer_to_xp):
    x = rng.normal(size=(1, 5, 2, 2))
    layer = CouplingLayerGlow(5, 4, dtype="float64", rng=0)
    for p in layer.layers[1].get_params():
        p.data += rng.normal(size=p.shape)
    coupling = layer_to_xp(layer).layers[1]
    y = to_numpy(coupling.forward(to_xp(x)))
    np.testing.assert_array_equal(y[:, 2:], x[:, 2:])
    assert abs(y[:, :2] - x[:, :2]).min() > 0


def test_basic_coupling_keeps_its_first_array(rng, to_xp, to_numpy, layer_to_xp):
    layer = CouplingLayerBasic(2, 4, coupling="additive", dtype="float64", rng=0)
    for p in layer.get_params():
        p.data += rng.normal(size=p.shape)
    x1, x2 = to_xp(rng.normal(size=(1, 2, 3, 3))), to_xp(rng.normal(size=(1, 2, 3, 3)))
    y1, y2 = layer_to_xp(layer).forward(x1, x2)
    np.testing.assert_array_equal(to_numpy(y1), to_numpy(x1))
    shift = layer.net.forward(x1)
    np.testing.assert_allclose(to_numpy(y2), to_numpy(x2 + shift), rtol=1e-13)


def test_scale_must_be_positive():
    with pytest.raises(ValueError, match="AffineTransformer: expected an activation"):
        AffineTransformer("relu")
    with pytest.raises(ValueError, match="AffineTransformer: expected an activation"):
        CouplingLayerGlow(4, 4, activation=SigmoidLayer(-1.0, 1.0))


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="n_in of at least 2 channels, got 1"):
        CouplingLayerGlow(1, 4)
    with pytest.raises(ValueError, match="coupling to be one of"):
        CouplingLayerGlow(4, 4, coupling="spline")
    with pytest.raises(ValueError, match="CouplingLayerGlow: expected nx"):
        CouplingLayerGlow(4, 4, dense=True, ndims=1)


def test_conditioner_of_the_wrong_width_is_named(to_xp, layer_to_xp):
    conv = Conv1x1(4, dtype="float64", rng=0)
    net = ResidualBlock(2, 4, n_out=6, fan=True, dtype="float64", rng=0)
    x = to_xp(np.ones((1, 4, 3, 3)))
    layer = layer_to_xp(CouplingLayerGlow(conv, net))
    wanted = r"parameters of shape \(1, 4, 3, 3\), 2 for each of 2 active channels"
    with pytest.raises(ValueError, match=wanted) as caught:
        layer.forward(x)
    assert "one that returns shape (1, 6, 3, 3)" in str(caught.value)
    assert "Coupling inside" in str(caught.value)
