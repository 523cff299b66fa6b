"""Toy distributions in two dimensions, to try a network on."""

from __future__ import annotations

import math

import numpy as np

from ._types import Array, Rng
from .backend import get_array_module
from .errors import expect, expect_positive
from .init import as_rng, float_type

__all__ = ["banana_log_density", "sample_banana", "sample_swirl"]

SWIRL_LENGTH = 800.0 * 2.0 * math.pi / 360.0  # 800 degrees: two turns and a bit


def sample_banana(
    n: int,
    c: tuple[float, float] = (1.0, 4.0),
    *,
    rng: Rng | int | None = None,
    dtype: object = "float32",
) -> np.ndarray:
    """Draw points from a Gaussian that is bent into a banana.

    Parameters
    ----------
    n : int
        Number of points.
    c : (float, float), default (1, 4)
        Width and bend; ``c[0]`` must not be zero.
    rng : numpy.random.Generator or int, optional
        Source of random numbers, or a seed.
    dtype : {"float32", "float64"}, default "float32"
        Type of the result.

    Returns
    -------
    array, shape (n, 2, 1, 1)
        Two channels, one pixel. On the CPU; ``to_gpu`` moves it.

    Raises
    ------
    ValueError
        If ``n`` is no positive integer or ``c[0]`` is zero.

    Notes
    -----
    With g1, g2 standard normal::

        x1 = g1 / c0
        x2 = c0 g2 + c0 c1 (g1^2 + c0^2)

    References
    ----------
    Original: slimgroup/InvertibleNetworks.jl: src/utils/test_distributions.jl

    Examples
    --------
    >>> sample_banana(100, rng=1).shape
    (100, 2, 1, 1)
    """
    where = "sample_banana"
    expect_positive(where, n=n)
    width, bend = _width_and_bend(c, where)
    g1, g2 = as_rng(rng).standard_normal((2, n))
    x1 = g1 / width
    x2 = width * g2 + width * bend * (g1**2 + width**2)
    return _as_samples(x1, x2, float_type(dtype, where))


def banana_log_density(x: Array, c: tuple[float, float] = (1.0, 4.0)) -> Array:
    """Logarithm of the density that ``sample_banana`` draws from, in nats.

    Parameters
    ----------
    x : array, shape (n, 2, ...)
        Points, with a single pixel if there are further axes.
    c : (float, float), default (1, 4)
        Width and bend.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ValueError
        If ``x`` does not hold two values per sample, or ``c[0]`` is zero.

    Notes
    -----
    The map from the Gaussian has determinant 1, so ``log p = -(g1^2 + g2^2) / 2 -
    log(2 pi)`` at the Gaussian point behind ``x``.

    Examples
    --------
    >>> x = sample_banana(1000, rng=1, dtype="float64")
    >>> round(float(banana_log_density(x).mean()), 1)  # minus the entropy, -2.84
    -2.9
    """
    where = "banana_log_density"
    get_array_module(x)
    two_values = x.ndim >= 2 and math.prod(x.shape[1:]) == 2
    expect(two_values, where, "x of shape (n, 2, 1, ...)", x)
    width, bend = _width_and_bend(c, where)
    points = x.reshape(x.shape[0], 2)
    g1 = width * points[:, 0]
    g2 = points[:, 1] / width - bend * (g1**2 + width**2)
    return -0.5 * (g1**2 + g2**2) - math.log(2.0 * math.pi)


def sample_swirl(
    n: int,
    noise: float = 1.0,
    *,
    rng: Rng | int | None = None,
    dtype: object = "float32",
) -> np.ndarray:
    """Draw points along a spiral of two and a bit turns.

    Parameters
    ----------
    n : int
        Number of points.
    noise : float, default 1
        Width of the uniform noise that is added to each coordinate.
    rng, dtype
        See ``sample_banana``.

    Returns
    -------
    array, shape (n, 2, 1, 1)

    Raises
    ------
    ValueError
        If ``n`` is no positive integer.

    Notes
    -----
    With u, u1, u2 uniform on (0, 1) and ``t = sqrt(u) 800 pi / 180``, the points are
    ``(-t cos(t) + noise u1, t sin(t) + noise u2)``; the root spreads them evenly over
    the length of the spiral.

    References
    ----------
    Original: slimgroup/InvertibleNetworks.jl: src/utils/test_distributions.jl

    Examples
    --------
    >>> sample_swirl(100, rng=1).shape
    (100, 2, 1, 1)
    """
    where = "sample_swirl"
    expect_positive(where, n=n)
    u, u1, u2 = as_rng(rng).random((3, n))
    t = np.sqrt(u) * SWIRL_LENGTH
    x1 = -np.cos(t) * t + noise * u1
    x2 = np.sin(t) * t + noise * u2
    return _as_samples(x1, x2, float_type(dtype, where))


def _width_and_bend(c: tuple[float, float], where: str) -> tuple[float, float]:
    width, bend = (float(value) for value in c)
    expect(width != 0.0, where, "a width c[0] other than zero", repr(c))
    return width, bend


def _as_samples(x1: np.ndarray, x2: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return np.stack((x1, x2), axis=1).reshape(-1, 2, 1, 1).astype(dtype)
