"""The baselines against independent computations."""

import numpy as np
import pytest
import scipy.stats

from invertiblenetworks.demo.baselines import (
    FullGaussian,
    IndependentPixels,
    fit_baselines,
)
from invertiblenetworks.demo.patches import bits_per_dimension, dequantise


def test_histogram_by_hand(rng):
    fitted = rng.integers(5, size=(20, 1, 2, 3)).astype("uint8")
    seen = rng.integers(7, size=(4, 1, 2, 3)).astype("uint8")
    expected = np.zeros(4)
    for n in range(4):
        for row in range(2):
            for column in range(3):
                same = fitted[:, 0, row, column] == seen[n, 0, row, column]
                expected[n] += np.log(256 * (same.sum() + 1) / (20 + 256))
    got = IndependentPixels(fitted).log_prob(dequantise(seen, rng))
    np.testing.assert_allclose(got, expected)


def test_histogram_density_integrates_to_one(rng):
    model = IndependentPixels(rng.integers(256, size=(30, 1, 1, 1)).astype("uint8"))
    x = ((np.arange(256) + 0.5) / 256).reshape(256, 1, 1, 1)
    assert np.exp(model.log_prob(x)).mean() == pytest.approx(1.0)


def test_histogram_takes_the_value_one(rng):
    model = IndependentPixels(rng.integers(256, size=(30, 1, 2, 2)).astype("uint8"))
    ends = np.full((1, 1, 2, 2), 1.0), np.full((1, 1, 2, 2), 255.5 / 256)
    assert model.log_prob(ends[0]) == model.log_prob(ends[1])


def test_constant_patches_need_few_bits():
    patches = np.full((1000, 1, 16, 16), 7, "uint8")
    x = np.full((1, 1, 16, 16), 7.5 / 256)
    bits = bits_per_dimension(IndependentPixels(patches).log_prob(x))
    assert bits == pytest.approx(-np.log2(1001 / 1256))


def test_gaussian_against_scipy(rng):
    mixing = rng.normal(size=(6, 6))
    x = (rng.normal(size=(200, 6)) @ mixing + 1).reshape(200, 1, 2, 3)
    flat = x.reshape(200, 6)
    covariance = np.cov(flat.T, bias=True)
    expected = scipy.stats.multivariate_normal(flat.mean(0), covariance).logpdf(flat)
    np.testing.assert_allclose(FullGaussian(x).log_prob(x), expected)


def test_baselines_are_fitted_to_the_training_part():
    models = fit_baselines()
    assert list(models) == ["independent pixels", "full-covariance Gaussian"]
    gaussian = models["full-covariance Gaussian"]
    # The smallest variance of any direction is at least about that of the noise.
    smallest = np.linalg.eigvalsh(gaussian.factor @ gaussian.factor.T)[0]
    assert smallest > 0.9 / (12 * 256**2)
