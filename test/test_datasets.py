"""Facts about the toy distributions."""

import numpy as np
import pytest

from invertiblenetworks.datasets import (
    banana_log_density,
    sample_banana,
    sample_swirl,
)

SAMPLERS = pytest.mark.parametrize("sample", [sample_banana, sample_swirl])


@SAMPLERS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shape_type_and_seed(sample, dtype):
    x = sample(50, rng=1, dtype=dtype)
    assert x.shape == (50, 2, 1, 1)
    assert x.dtype == dtype
    np.testing.assert_array_equal(x, sample(50, rng=1, dtype=dtype))
    assert (x != sample(50, rng=2, dtype=dtype)).any()


@SAMPLERS
def test_generator_goes_on(sample, rng):
    assert (sample(5, rng=rng) != sample(5, rng=rng)).any()


@SAMPLERS
def test_wrong_arguments(sample):
    for n in (0, -1, 2.0):
        with pytest.raises(ValueError, match="n to be a positive integer"):
            sample(n)
    with pytest.raises(TypeError, match="dtype to be 'float32' or 'float64'"):
        sample(3, dtype="int32")


@pytest.mark.parametrize("c", [(1, 4), (0.5, -2.0)])
def test_banana_is_a_bent_gaussian(c):
    """Straightened by its formula, it has mean 0, variance 1 and no correlation."""
    x = sample_banana(20000, c, rng=1, dtype="float64").reshape(-1, 2)
    g1 = c[0] * x[:, 0]
    g2 = x[:, 1] / c[0] - c[1] * (g1**2 + c[0] ** 2)
    np.testing.assert_allclose([g1.mean(), g2.mean()], 0.0, atol=0.03)
    np.testing.assert_allclose(np.cov(g1, g2), np.eye(2), atol=0.03)


def test_banana_moments():
    """By default E x1 = 0, E x2 = 4 (1 + 1) = 8, var x2 = 1 + 16 * 2 = 33."""
    x = sample_banana(100000, rng=1, dtype="float64").reshape(-1, 2)
    np.testing.assert_allclose(x.mean(axis=0), [0.0, 8.0], atol=0.1)
    np.testing.assert_allclose(x.var(axis=0), [1.0, 33.0], rtol=0.05)


@pytest.mark.parametrize("c", [(1.0, 4.0), (2.0, 0.3)])
def test_banana_density_integrates_to_one(c, to_xp, to_numpy):
    x1 = np.linspace(-6 / c[0], 6 / c[0], 401)
    ridge = c[0] * c[1] * ((c[0] * x1) ** 2 + c[0] ** 2)
    across = np.linspace(-6 * c[0], 6 * c[0], 401)
    first, second = np.broadcast_arrays(x1[:, None], ridge[:, None] + across)
    points = np.stack((first, second), axis=-1).reshape(-1, 2, 1, 1)
    density = np.exp(to_numpy(banana_log_density(to_xp(points), c)))
    cell = (x1[1] - x1[0]) * (across[1] - across[0])
    np.testing.assert_allclose(density.sum() * cell, 1.0, atol=1e-6)


def test_banana_density_at_the_ridge(to_xp, to_numpy):
    """(0, c0^3 c1) comes from the origin, where the density is 1 / (2 pi)."""
    x = to_xp(np.array([[0.0, 4.0]]))
    value = to_numpy(banana_log_density(x))
    np.testing.assert_allclose(value, [-np.log(2 * np.pi)], rtol=1e-14)


def test_banana_density_keeps_the_type(to_xp):
    x = to_xp(sample_banana(4, rng=1))
    value = banana_log_density(x)
    assert value.shape == (4,)
    assert value.dtype == np.float32


def test_banana_refuses_what_it_cannot_do(to_xp):
    with pytest.raises(ValueError, match=r"a width c\[0\] other than zero"):
        sample_banana(3, (0.0, 1.0))
    with pytest.raises(ValueError, match="x of shape"):
        banana_log_density(to_xp(np.zeros((4, 3, 1, 1))))
    with pytest.raises(TypeError, match="expected an array, got"):
        banana_log_density([[0.0, 0.0]])


def test_swirl_lies_on_its_spiral():
    """Without noise the radius is the angle, which goes to 800 degrees."""
    x = sample_swirl(2000, noise=0.0, rng=1, dtype="float64").reshape(-1, 2)
    radius = np.hypot(x[:, 0], x[:, 1])
    np.testing.assert_allclose(x[:, 0], -np.cos(radius) * radius, atol=1e-12)
    np.testing.assert_allclose(x[:, 1], np.sin(radius) * radius, atol=1e-12)
    end = 800 * np.pi / 180
    assert 0.99 * end < radius.max() < end
    # radius^2 is uniform
    np.testing.assert_allclose((radius**2).mean(), end**2 / 2, rtol=0.05)


def test_swirl_noise_is_uniform_and_positive():
    x = sample_swirl(2000, noise=0.5, rng=1, dtype="float64").reshape(-1, 2)
    clean = sample_swirl(2000, noise=0.0, rng=1, dtype="float64").reshape(-1, 2)
    noise = x - clean
    assert noise.min() >= 0.0
    assert noise.max() <= 0.5
    np.testing.assert_allclose(noise.mean(axis=0), 0.25, atol=0.02)
