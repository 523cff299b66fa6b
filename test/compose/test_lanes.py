"""Facts about lanes and parts of pairs beyond the contract."""

import numpy as np
import pytest
from randomized import randomized

from invertiblenetworks import (
    ActNorm,
    Chain,
    Conv1x1,
    CouplingLayerBasic,
    CouplingLayerGlow,
    HaarLayer,
    MultiScale,
    OnLane,
    OnPart,
    PairChain,
    PairMultiScale,
    ShuffleLayer,
    on_both,
    reverse,
)


def lanes(rng, *channels, size=4):
    return tuple(rng.normal(size=(2, c, size, size)) for c in channels)


def basic(n_in, rng):
    return randomized(CouplingLayerBasic(n_in, 3, dtype="float64", rng=0), rng)


@pytest.mark.parametrize("lane", [0, 1])
def test_on_lane_leaves_the_other_alone(lane, rng, to_xp, to_numpy, layer_to_xp):
    layer = randomized(CouplingLayerGlow(4, 3, dtype="float64", rng=0), rng)
    pair = tuple(to_xp(x) for x in lanes(rng, 4, 4))
    net = layer_to_xp(PairChain(OnLane(layer, lane), logdet=True))
    *y, logdet = net.forward(*pair)
    assert y[1 - lane] is pair[1 - lane]
    np.testing.assert_array_equal(
        to_numpy(y[lane]), to_numpy(layer.forward(pair[lane]))
    )
    wanted = layer.log_abs_det(pair[lane]).mean()
    np.testing.assert_allclose(to_numpy(logdet), to_numpy(wanted), rtol=1e-13)


def test_gradient_goes_through_one_lane(rng):
    layer = Conv1x1(3, dtype="float64", rng=0)
    (dy1, dy2), (y1, y2) = lanes(rng, 2, 3), lanes(rng, 2, 3)
    dx1, dx2, x1, x2 = PairChain(OnLane(layer, 1)).backward(dy1, dy2, y1, y2)
    assert (dx1 is dy1, x1 is y1) == (True, True)
    wanted, x_wanted = layer.backward(dy2, y2)
    np.testing.assert_allclose(dx2, wanted, rtol=1e-13)
    np.testing.assert_allclose(x2, x_wanted, rtol=1e-13)


def test_lanes_may_change_their_shape(rng):
    net = PairChain(OnLane(HaarLayer(), 1), reverse(OnLane(HaarLayer(), 0)))
    x1, x2 = lanes(rng, 4, 3)
    y1, y2 = net.forward(x1, x2)
    assert (y1.shape, y2.shape) == ((2, 1, 8, 8), (2, 12, 2, 2))
    np.testing.assert_allclose(net.inverse(y1, y2)[0], x1, atol=1e-14)


def test_on_both_shares_one_layer_or_takes_two(rng):
    conv = Conv1x1(3, dtype="float64", rng=0)
    first, second = on_both(conv)
    assert first.layer is second.layer is conv
    assert (first.lane, second.lane) == (0, 1)
    x1, x2 = lanes(rng, 3, 3)
    shared = PairChain(first, second)
    assert len(shared.get_params()) == 3
    shared.backward(x1, x2, x1, x2)
    parts = [conv.adjoint_jacobian(x, x)[1] for x in (x1, x2)]
    for found, of_x1, of_x2 in zip(shared.get_grads(), *parts, strict=True):
        assert min(np.linalg.norm(of_x1), np.linalg.norm(of_x2)) > 0
        np.testing.assert_allclose(found, of_x1 + of_x2, rtol=1e-12, atol=1e-13)
    assert [part.layer.s.shape for part in on_both(ActNorm(2), ActNorm(5))] == [
        (2,),
        (5,),
    ]


def test_both_lanes_take_one_kind_of_condition():
    array, context = ActNorm(2), ActNorm(2)
    array.cond_kind, context.cond_kind = "array", "context"
    with pytest.raises(TypeError, match="on_both: expected layers with one kind"):
        on_both(array, context)
    assert OnLane(array, 0).cond_kind == "array"


def test_error_inside_a_lane_names_the_layer(rng):
    with pytest.raises(ValueError, match=r"PairChain\.forward: expected 3 channels"):
        PairChain(OnLane(Conv1x1(3, dtype="float64"), 1)).forward(*lanes(rng, 3, 2))


def test_part_of_a_pair_is_cut_in_each_array_at_its_own_channel(rng):
    coupling = basic(2, rng)
    x1, x2 = lanes(rng, 5, 3)
    y1, y2 = PairChain(OnPart(coupling, (2, 2))).forward(x1, x2)
    z1, z2 = coupling.forward(x1[:, :2], x2[:, :2])
    np.testing.assert_allclose(y1, np.concatenate([z1, x1[:, 2:]], axis=1))
    np.testing.assert_allclose(y2, np.concatenate([z2, x2[:, 2:]], axis=1))
    y1, y2 = PairChain(OnPart(coupling, (3, 1), first=False)).forward(x1, x2)
    z1, z2 = coupling.forward(x1[:, 3:], x2[:, 1:])
    np.testing.assert_allclose(y1, np.concatenate([x1[:, :3], z1], axis=1))
    np.testing.assert_allclose(y2, np.concatenate([x2[:, :1], z2], axis=1))


def test_part_of_a_pair_needs_a_pair_and_a_rest(rng):
    part = OnPart(basic(2, rng), (2, 2))
    with pytest.raises(ValueError, match="more than 2 channels on axis 1"):
        PairChain(part).forward(*lanes(rng, 3, 2))
    with pytest.raises(ValueError, match="a tuple of two arrays"):
        Chain(part).forward(lanes(rng, 4)[0])
    with pytest.raises(ValueError, match="one array"):
        PairChain(OnPart(ActNorm(2, dtype="float64"), 2)).forward(*lanes(rng, 3, 3))


def test_scales_of_a_pair_follow_the_recursion_written_out(rng):
    fine, coarse = basic(4, rng), basic(8, rng)
    squeezer = ShuffleLayer()
    net = PairMultiScale([fine, coarse], [(2, 2)], squeezer, pair=True)
    x = lanes(rng, 1, 1)
    y = fine.forward(*map(squeezer.forward, x))
    inner = coarse.forward(*(squeezer.forward(part[:, :2]) for part in y))
    inner = map(squeezer.inverse, inner)
    wanted = [
        squeezer.inverse(np.concatenate([new, part[:, 2:]], axis=1))
        for new, part in zip(inner, y, strict=True)
    ]
    for found, lane in zip(net.forward(*x), wanted, strict=True):
        np.testing.assert_allclose(found, lane, atol=1e-14)


def test_all_channels_may_go_on(rng):
    fine, coarse = Conv1x1(4, dtype="float64", rng=0), Conv1x1(16, dtype="float64")
    net = MultiScale([fine, coarse], [None], HaarLayer())
    (x,) = lanes(rng, 1)
    haar = HaarLayer()
    y = coarse.forward(haar.forward(fine.forward(haar.forward(x))))
    wanted = haar.inverse(haar.inverse(y))
    np.testing.assert_allclose(net.forward(x), wanted, atol=1e-13)


def test_sizes_of_both_lanes_must_divide(rng):
    levels = [PairChain(basic(4, rng)), PairChain(basic(8, rng))]
    net = PairMultiScale(levels, [(2, 2)], ShuffleLayer(), pair=True)
    x1, x2 = lanes(rng, 1)[0], lanes(rng, 1, size=6)[0]
    with pytest.raises(
        ValueError, match=r"^PairMultiScale\.forward: expected spatial .* by 4"
    ):
        net.forward(x1, x2)


def test_arguments_are_checked(rng):
    with pytest.raises(ValueError, match="OnLane: expected lane"):
        OnLane(ActNorm(2), 2)
    with pytest.raises(ValueError, match="a tuple of two arrays"):
        OnLane(ActNorm(2, dtype="float64"), 0).forward(lanes(rng, 2)[0])
