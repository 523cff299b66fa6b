"""Facts about the layers with a condition beyond the contract."""

import numpy as np
import pytest
from randomized import randomized

import invertiblenetworks as inn
from invertiblenetworks import (
    AveragePool,
    ConcatCond,
    ConditionalLayerGlow,
    ConditionalLayerHINT,
    Conv1x1,
    ResidualBlock,
    Upsample,
)
from invertiblenetworks.testing import central_differences


def glow(n_in, n_cond, rng, **options):
    options = {"rb_activation": "tanh", "dtype": "float64", "rng": 0, **options}
    return randomized(ConditionalLayerGlow(n_in, n_cond, 4, **options), rng)


def hint(n_in, rng, **options):
    options = {"block_activation": "tanh", "dtype": "float64", "rng": 0, **options}
    return randomized(ConditionalLayerHINT(n_in, 4, **options), rng)


# --- Glow -----------------------------------------------------------------------------


def test_glow_step_written_out(rng):
    layer = glow(5, 3, rng, activation="sigmoid", logdet=True)
    conv, coupling = layer.layers
    x, cond = rng.normal(size=(2, 5, 4, 4)), rng.normal(size=(2, 3, 4, 4))
    mixed = conv.forward(x)
    first, second = mixed[:, :2], mixed[:, 2:]
    block = coupling.net.net
    p = block.forward(np.concatenate([second, cond], axis=1))
    scale = 1.0 / (1.0 + np.exp(-p[:, :2]))
    y, logdet = layer.forward(x, cond)
    np.testing.assert_allclose(y[:, :2], scale * first + p[:, 2:], rtol=1e-12)
    np.testing.assert_allclose(y[:, 2:], second, rtol=1e-12)
    np.testing.assert_allclose(logdet, np.log(scale).sum() / 2, rtol=1e-12)


@pytest.mark.parametrize("mode", ["backward", "backward_inv"])
def test_gradient_of_the_condition(mode, rng):
    layer = glow(2, 3, rng, logdet=True)
    x, cond, weights = (rng.normal(size=(2, c, 2, 2)) for c in (2, 3, 2))
    inverse = mode == "backward_inv"
    y = layer.inverse(x, cond) if inverse else layer.forward(x, cond)[0]

    def objective(cond):
        if inverse:
            result = layer.inverse(x, cond)
            return (weights * result).sum() + layer.log_abs_det(result, cond).mean()
        result, logdet = layer.forward(x, cond)
        return (weights * result).sum() - logdet

    _, x_again, dcond = getattr(layer, mode)(weights, y, cond)
    np.testing.assert_allclose(x_again, x, atol=1e-12)
    wanted = central_differences(objective, cond)
    assert abs(wanted).min() > 1e-6
    np.testing.assert_allclose(dcond.ravel(), wanted, rtol=1e-6, atol=1e-9)


def test_condition_needs_the_spatial_size_of_the_state(rng):
    layer = glow(2, 3, rng)
    x, cond = rng.normal(size=(2, 2, 4, 4)), rng.normal(size=(2, 3, 4, 2))
    with pytest.raises(ValueError, match=r"^ConditionalLayerGlow\.forward: expected"):
        layer.forward(x, cond)
    with pytest.raises(TypeError, match="expected a condition"):
        layer.forward(x)


def test_parts_of_glow_may_be_given():
    conv = Conv1x1(4, dtype="float64", rng=0)
    block = ResidualBlock(5, 4, n_out=4, fan=True, dtype="float64", rng=0)
    net = ConcatCond(block)
    layer = ConditionalLayerGlow(conv, 3, net)
    assert layer.layers[0] is conv
    assert layer.layers[1].net is net
    x, cond = np.ones((1, 4, 3, 3)), np.ones((1, 3, 3, 3))
    assert layer.forward(x, cond).shape == x.shape


# --- HINT -----------------------------------------------------------------------------


def test_lane_y_does_not_see_lane_x(rng, to_xp, to_numpy, layer_to_xp):
    layer = layer_to_xp(hint(4, rng, n_y=2))
    y = to_xp(rng.normal(size=(3, 2, 4, 4)))
    x, other = to_xp(rng.normal(size=(2, 3, 4, 4, 4)))
    zx, zy, _ = layer.forward(x, y)
    zx_other, zy_other, _ = layer.forward(other, y)
    np.testing.assert_array_equal(to_numpy(zy), to_numpy(zy_other))
    np.testing.assert_array_equal(to_numpy(zy), to_numpy(layer.forward_y(y)))
    assert abs(to_numpy(zx - zx_other)).max() > 0.1
    np.testing.assert_allclose(
        to_numpy(layer.inverse_y(zy)), to_numpy(y), rtol=1e-11, atol=1e-12
    )
    moved, _, _ = layer.forward(x, y + 1.0)
    assert abs(to_numpy(zx - moved)).max() > 0.1


def test_log_determinants_of_the_lanes_add_up(rng):
    layer = hint(4, rng, n_y=2)
    x, y = rng.normal(size=(3, 4, 2, 2)), rng.normal(size=(3, 2, 2, 2))
    _, _, logdet = layer.forward(x, y)
    of_x, of_y = layer.log_abs_det_lanes(x, y)
    np.testing.assert_allclose((of_x + of_y).mean(), logdet, rtol=1e-12)
    zy, logdet_y = layer.forward_y(y, logdet=True)
    assert zy.shape == y.shape
    np.testing.assert_allclose(logdet_y, of_y.mean(), rtol=1e-12)
    # Lane X given Y is a map of x alone: its own Jacobian says what it adds.
    n = 3 * 16
    jacobian = np.empty((n, n))
    for k, unit in enumerate(np.eye(n).reshape(n, *x.shape)):
        dzx = layer.jacobian(unit, np.zeros_like(y), None, x, y)[0]
        jacobian[:, k] = dzx.ravel()
    wanted = np.linalg.slogdet(jacobian)[1]
    np.testing.assert_allclose(of_x.sum(), wanted, rtol=1e-11)


@pytest.mark.parametrize(
    ("y_size", "bridge"), [((8, 4), AveragePool(2)), ((2, 1), Upsample(2))]
)
def test_lanes_of_different_channels_and_sizes(y_size, bridge, rng):
    layer = hint(3, rng, n_y=2, bridge=bridge)
    x, y = rng.normal(size=(2, 3, 4, 2)), rng.normal(size=(2, 2, *y_size))
    zx, zy, _ = layer.forward(x, y)
    assert zx.shape == x.shape
    assert zy.shape == y.shape
    x_again, y_again = layer.inverse(zx, zy)
    np.testing.assert_allclose(x_again, x, atol=1e-12)
    np.testing.assert_allclose(y_again, y, atol=1e-12)
    lanes = next(part for part in layer.layers if hasattr(part, "split"))
    mixed = layer.layers[1].layer.forward(y)
    p = lanes.net.nets[1].forward(bridge.forward(mixed))
    scale = lanes.transformer.activation.forward(p[:, :3])
    alone = layer.layers[0].layer.forward(x)
    np.testing.assert_allclose(zx, scale * alone + p[:, 3:], rtol=1e-12)


def test_lanes_of_different_sizes_need_a_bridge(rng):
    x, y = rng.normal(size=(2, 3, 4, 2)), rng.normal(size=(2, 3, 8, 4))
    with pytest.raises(ValueError, match=r"^ConditionalLayerHINT\.forward: expect"):
        hint(3, rng).forward(x, y)


def test_parameters_of_lane_y_are_those_of_the_layer(rng):
    layer = hint(4, rng)
    known = set(layer.get_params())
    assert set(layer.lane_y.get_params()) < known
    n_hint, n_conv, n_bridge = 5, 3, 5
    assert len(known) == 2 * (n_hint + n_conv) + n_bridge


def test_reversed_lanes(rng):
    net = inn.NetworkConditionalHINT(2, 3, 1, ndims=0, dtype="float64", rng=0)
    x, y = rng.normal(size=(2, 3, 2))
    randomized(net, rng).initialize(x, y)
    backwards = inn.reverse(net)
    np.testing.assert_allclose(backwards.inverse_y(y), net.forward_y(y))
    np.testing.assert_allclose(backwards.forward_y(y), net.inverse_y(y))
    assert inn.reverse(backwards) is net


def test_lane_of_one_channel():
    layer = inn.ConditionalLayerHINT(2, 3, n_y=1, ndims=0, dtype="float64", rng=0)
    x, y = np.ones((3, 2)), np.ones((3, 1))
    zx, zy, _ = layer.forward(x, y)
    np.testing.assert_allclose(layer.inverse(zx, zy)[0], x)


def test_bridges_made_for_each_layer():
    def bridge(n_channels):
        return inn.Conv(n_channels, n_channels, 2, stride=2, dtype="float64", rng=0)

    net = inn.NetworkMultiScaleConditionalHINT(
        1, 3, 2, 1, bridge=bridge, k1=1, p1=0, k2=1, p2=0, dtype="float64", rng=0
    )
    x, y = np.ones((2, 1, 4, 4)), np.ones((2, 1, 8, 8))
    zx, zy, _ = net.forward(x, y)
    np.testing.assert_allclose(net.inverse(zx, zy)[0], x)
    weights = [p for n, p in net.named_params().items() if p.shape[2:] == (2, 2)]
    assert {p.shape[0] for p in weights} == {4, 16}
