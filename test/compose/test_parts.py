"""Facts about parts, scales and conditions beyond the contract."""

import numpy as np
import pytest

from invertiblenetworks import (
    ActNorm,
    Chain,
    Conv1x1,
    MultiScale,
    OnPart,
    ShuffleLayer,
    Split,
    WithCondition,
    reverse,
)


@pytest.mark.parametrize("first", [True, False])
def test_on_part_leaves_the_rest_alone(rng, first):
    x = rng.normal(size=(2, 5, 3))
    y = OnPart(Conv1x1(2 if first else 3, dtype="float64", rng=0), 2, first=first)
    y = y.forward(x)
    kept, changed = (
        (slice(2, None), slice(0, 2)) if first else (slice(0, 2), slice(2, 5))
    )
    np.testing.assert_array_equal(y[:, kept], x[:, kept])
    assert abs(y[:, changed] - x[:, changed]).min() > 0


def test_on_part_needs_a_rest_and_a_layer_that_keeps_the_shape(rng):
    x = rng.normal(size=(2, 3, 4))
    with pytest.raises(ValueError, match="more than 3 channels on axis 1"):
        OnPart(ActNorm(3, dtype="float64"), 3).forward(x)
    with pytest.raises(ValueError, match="a layer that keeps the shape of its part"):
        OnPart(ShuffleLayer(), 2).forward(x)


def test_split_and_its_reverse(rng):
    x = rng.normal(size=(2, 5, 3))
    a, b = Split(2).forward(x)
    np.testing.assert_array_equal(reverse(Split(2)).forward((a, b)), x)
    with pytest.raises(ValueError, match="two arrays that differ in channels only"):
        reverse(Split(2)).forward((b, a))


def test_scales_follow_the_recursion_written_out(rng):
    fine, coarse = (Conv1x1(k, dtype="float64", rng=k) for k in (4, 8))
    net = MultiScale([fine, coarse], [2], ShuffleLayer())
    x = rng.normal(size=(2, 1, 4, 4))
    squeezer = ShuffleLayer()
    y = fine.forward(squeezer.forward(x))
    inner = squeezer.inverse(coarse.forward(squeezer.forward(y[:, :2])))
    wanted = squeezer.inverse(np.concatenate([inner, y[:, 2:]], axis=1))
    np.testing.assert_allclose(net.forward(x), wanted, atol=1e-14)


def test_sizes_that_do_not_divide_name_the_divisor_and_nothing_is_set(rng):
    levels = [ActNorm(4, dtype="float64"), ActNorm(8, dtype="float64")]
    net = MultiScale(levels, [2], ShuffleLayer())
    with pytest.raises(ValueError, match=r"MultiScale.forward: .* divisible by 4"):
        net.forward(rng.normal(size=(2, 1, 6, 6)))
    assert not levels[0].initialized
    with pytest.raises(ValueError, match="one number of channels less than levels"):
        MultiScale(levels, [], ShuffleLayer())


def test_with_condition_needs_a_conditional_layer():
    with pytest.raises(
        TypeError, match="WithCondition: expected a layer with an array"
    ):
        WithCondition(Chain(ActNorm(2)), ShuffleLayer())
