"""Batch and channel axes."""

import numpy as np
import pytest

from invertiblenetworks.kernels import channels

SHAPES = [(2, 3), (2, 3, 5), (2, 3, 5, 4), (2, 3, 5, 4, 2)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


@shapes
def test_sizes(shape, xp):
    x = xp.zeros(shape)
    assert channels.batch_size(x) == 2
    assert channels.n_channels(x) == 3
    assert channels.n_pixels(x) == np.prod(shape[2:], dtype=int)


def test_sizes_of_a_pair_are_those_of_the_first(xp):
    pair = (xp.zeros((2, 3, 4, 4)), xp.zeros((5, 1, 2, 2)))
    assert channels.batch_size(pair) == 2
    assert channels.n_pixels(pair) == 16


HALVES = [(1, 0), (2, 1), (3, 2), (5, 2), (7, 4), (9, 4)]


@pytest.mark.parametrize(("c", "half"), HALVES)
def test_half_channels_rounds_to_even(c, half):
    assert channels.half_channels(c) == half


@shapes
def test_on_channels_scales_each_channel(shape, rng, to_xp, to_numpy):
    x, v = rng.standard_normal(shape), rng.standard_normal(3)
    spread = channels.on_channels(to_xp(v), to_xp(x))
    scaled = to_numpy(to_xp(x) * spread)
    assert spread.shape == (1, 3) + (1,) * (len(shape) - 2)
    for c in range(3):
        np.testing.assert_array_equal(scaled[:, c], x[:, c] * v[c])


@shapes
def test_sums(shape, rng, to_xp, to_numpy):
    x = rng.standard_normal(shape)
    per_channel = to_numpy(channels.sum_but_channels(to_xp(x)))
    per_sample = to_numpy(channels.sum_per_sample(to_xp(x)))
    np.testing.assert_allclose(per_channel, [x[:, c].sum() for c in range(3)])
    np.testing.assert_allclose(per_sample, [x[n].sum() for n in range(2)])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_per_sample_takes_numbers_and_arrays(dtype, xp, to_xp, to_numpy):
    x = xp.zeros((3, 2, 4), dtype=dtype)
    values = [1.5, to_xp(np.float64(1.5)), to_xp(np.full(3, 1.5)), to_xp([1.5])]
    for value in values:
        filled = channels.per_sample(x, value)
        assert filled.dtype == dtype
        np.testing.assert_array_equal(to_numpy(filled), [1.5, 1.5, 1.5])
    distinct = channels.per_sample((x, x[:1]), to_xp(np.arange(3.0)))
    np.testing.assert_array_equal(to_numpy(distinct), [0, 1, 2])


@shapes
@pytest.mark.parametrize("k", [0, 1, 3])
def test_join_undoes_split(shape, k, rng, to_xp, to_numpy):
    x = rng.standard_normal(shape)
    a, b = channels.split_channels(to_xp(x), k)
    assert (a.shape[1], b.shape[1]) == (k, 3 - k)
    np.testing.assert_array_equal(to_numpy(a), x[:, :k])
    np.testing.assert_array_equal(to_numpy(channels.join_channels(a, b)), x)


def test_split_gives_views_and_join_a_new_array(rng):
    x = rng.standard_normal((2, 4, 3))
    a, b = channels.split_channels(x, 1)
    assert np.shares_memory(a, x)
    assert np.shares_memory(b, x)
    nothing, everything = channels.split_channels(x, 0)
    assert not np.shares_memory(channels.join_channels(nothing, everything), x)


@shapes
def test_flatten_spatial(shape, rng, to_xp, to_numpy):
    x = rng.standard_normal(shape)
    flat = to_numpy(channels.flatten_spatial(to_xp(x)))
    np.testing.assert_array_equal(flat, x.reshape(2, 3, -1))


def test_flatten_spatial_is_a_view_and_copes_with_emptiness_and_strides(rng):
    x = rng.standard_normal((2, 3, 4, 5))
    assert np.shares_memory(channels.flatten_spatial(x), x)
    assert channels.flatten_spatial(x[:, :0]).shape == (2, 0, 20)
    turned = x.swapaxes(2, 3)
    np.testing.assert_array_equal(
        channels.flatten_spatial(turned), turned.copy().reshape(2, 3, 20)
    )


def test_nothing_waits_for_the_device(rng, to_xp, device_counters):
    x, v = to_xp(rng.standard_normal((2, 4, 3))), to_xp(rng.standard_normal(4))
    total = to_xp(rng.standard_normal(2))
    device_counters.reset()
    channels.on_channels(v, x)
    channels.sum_but_channels(x)
    channels.per_sample(x, 0.0)
    channels.per_sample(x, channels.sum_per_sample(x) + total)
    channels.per_sample(x, x.sum())
    channels.join_channels(*channels.split_channels(x, 2))
    channels.flatten_spatial(x)
    assert device_counters.read() == (0, 0, 0)
