"""Parts that share no pixel, and the arithmetic of bits per dimension."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from invertiblenetworks.demo import patches
from invertiblenetworks.demo.patches import (
    BANDS,
    bits_per_dimension,
    dequantise,
    evaluation_patches,
    grid_patches,
    load_band,
    random_patches,
)


@pytest.fixture
def numbered_photographs(monkeypatch):
    """Photographs in which no two pixels are equal."""
    for i, name in enumerate(patches.PHOTOGRAPHS):
        pixels = np.arange(512 * 512).reshape(512, 512) + i * 512 * 512
        monkeypatch.setattr(patches.pywt.data, name, lambda pixels=pixels: pixels)


def test_the_photographs_are_as_expected():
    for part, (first, stop) in BANDS.items():
        images = load_band(part)
        assert [image.shape for image in images] == [(512, stop - first)] * 3
        assert all(image.dtype == np.uint8 for image in images)


@pytest.mark.usefixtures("numbered_photographs")
def test_patches_of_two_parts_share_no_pixel(rng):
    pixels = {}
    for part in BANDS:
        images = load_band(part)
        cut = [random_patches(images, 4000, rng), grid_patches(images, step=5)]
        pixels[part] = set(np.concatenate(cut).ravel().tolist())
    for one, other in itertools.combinations(BANDS, 2):
        assert pixels[one].isdisjoint(pixels[other])


@pytest.mark.usefixtures("numbered_photographs")
def test_random_patches_reach_all_of_a_band(rng):
    image, row, column = np.unravel_index(
        random_patches(load_band("validation"), 10000, rng), (3, 512, 512)
    )
    assert np.unique(image).tolist() == [0, 1, 2]
    assert np.unique(row).tolist() == list(range(512))
    assert np.unique(column).tolist() == list(range(*BANDS["validation"]))


@pytest.mark.usefixtures("numbered_photographs")
def test_grid_patches_lie_edge_to_edge():
    cut = grid_patches(load_band("held-out"))
    assert cut.shape == (3 * 32 * 10, 1, 16, 16)
    assert len(np.unique(cut)) == cut.size
    np.testing.assert_array_equal(cut[1, 0], load_band("held-out")[0][:16, 16:32])


def test_dequantised_values_stay_on_their_level(rng):
    levels = rng.integers(256, size=(50, 1, 16, 16))
    x = dequantise(levels, rng)
    assert x.dtype == np.float32
    within = 256.0 * x - levels
    # float32 keeps 2^-16 of a level, by which it may round up to the next.
    assert within.min() >= 0
    assert within.max() <= 1 + 2**-16
    assert scipy.stats.kstest(within.ravel(), "uniform").pvalue > 1e-3


def test_evaluation_patches_are_the_same_every_time():
    first, again = (evaluation_patches("validation", n_draws=2) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    one, other = np.split(first, 2)
    assert 0 < abs(one - other).max() <= 1 / 256


def test_uniform_density_needs_eight_bits():
    assert bits_per_dimension(np.zeros(5)) == 8.0


def test_a_gaussian_needs_the_bits_of_its_entropy(rng):
    deviation = 0.1
    x = rng.normal(0.5, deviation, (4000, 256))
    log_prob = scipy.stats.norm.logpdf(x, 0.5, deviation).sum(axis=1)
    entropy = 8 + 0.5 * math.log2(2 * math.pi * math.e * deviation**2)
    assert bits_per_dimension(log_prob) == pytest.approx(entropy, abs=5e-3)


def test_bits_are_those_of_the_grey_levels(rng):
    """The density integrates to the probability of a level, here 1/2 each."""
    levels = rng.choice([3, 200], size=(10, 256))
    density = np.full(levels.shape, 0.5 * 256)
    assert bits_per_dimension(np.log(density).sum(axis=1)) == pytest.approx(1.0)
