"""Facts about the squeezing layers beyond the contract."""

import numpy as np
import pytest

from invertiblenetworks import HaarLayer, ShuffleLayer, WaveletLayer


@pytest.mark.parametrize(
    "layer",
    [ShuffleLayer(), ShuffleLayer("patch"), WaveletLayer("db2"), HaarLayer()],
)
def test_odd_sizes_and_channels_that_cannot_be_unsqueezed(layer, to_xp):
    name = type(layer).__name__
    with pytest.raises(
        ValueError, match=rf"{name}\.forward: expected spatial sizes divisible by 2"
    ):
        layer.forward(to_xp(np.ones((1, 2, 4, 5))))
    with pytest.raises(
        ValueError, match=rf"{name}\.inverse: expected a number of channels divisible"
    ):
        layer.inverse(to_xp(np.ones((1, 6, 4, 4))))


def test_default_pattern_is_the_checkerboard(to_xp, to_numpy):
    x = to_xp(np.arange(16.0).reshape(1, 1, 4, 4))
    y = to_numpy(ShuffleLayer().forward(x))
    np.testing.assert_array_equal(y[0, 0], [[0, 2], [8, 10]])
    np.testing.assert_array_equal(y[0, 1], [[1, 3], [9, 11]])


def test_options_are_checked():
    with pytest.raises(ValueError, match="ShuffleLayer: expected pattern to be one of"):
        ShuffleLayer("diagonal")
    with pytest.raises(ValueError, match="WaveletLayer: expected"):
        WaveletLayer("bior2.2")
