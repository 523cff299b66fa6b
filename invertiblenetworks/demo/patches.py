"""Patches of three photographs, cut into parts that share no pixel.

The photographs come with PyWavelets: 512 x 512 pixels with 256 grey levels. Vertical
bands of columns make the parts; a patch lies inside one band.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pywt.data

from .._types import Array, Rng

PHOTOGRAPHS = ("camera", "ascent", "aero")

SIDE = 16
"""Pixels on each side of a patch."""

LEVELS = 256
"""Grey levels of a pixel."""

BANDS = {"training": (0, 290), "validation": (290, 330), "held-out": (350, 512)}
"""First column, and the one after the last, of each part."""

NOISE_SEED = 512
"""Seed of the noise with which parts are evaluated, the same in every run."""


def load_band(part: str) -> list[Array]:
    """Return the columns of every photograph that belong to ``part``.

    Parameters
    ----------
    part : {"training", "validation", "held-out"}
        Key of `BANDS`.

    Returns
    -------
    list of array, shape (512, n_columns), uint8

    Examples
    --------
    >>> [image.shape for image in load_band("held-out")]
    [(512, 162), (512, 162), (512, 162)]
    """
    first, stop = BANDS[part]
    return [getattr(pywt.data, name)()[:, first:stop] for name in PHOTOGRAPHS]


def random_patches(images: Sequence[Array], count: int, rng: Rng) -> Array:
    """Cut patches at uniformly drawn places, with replacement.

    Returns
    -------
    array, shape (count, 1, SIDE, SIDE), uint8
    """
    height, width = images[0].shape
    which = rng.integers(len(images), size=count)
    rows = rng.integers(height - SIDE + 1, size=count)
    columns = rng.integers(width - SIDE + 1, size=count)
    places = zip(which, rows, columns, strict=True)
    return np.stack([_cut(images[i], row, column) for i, row, column in places])


def grid_patches(images: Sequence[Array], step: int = SIDE) -> Array:
    """Cut all patches whose corners lie on a grid; ``step >= SIDE``: no overlap.

    Returns
    -------
    array, shape (n_patches, 1, SIDE, SIDE), uint8
    """
    height, width = images[0].shape
    return np.stack(
        [
            _cut(image, row, column)
            for image in images
            for row in range(0, height - SIDE + 1, step)
            for column in range(0, width - SIDE + 1, step)
        ]
    )


def _cut(image, row, column):
    return image[None, row : row + SIDE, column : column + SIDE]


def dequantise(patches: Array, rng: Rng) -> Array:
    """Spread every grey level over its interval: ``x = (patch + u) / 256``.

    With u uniform on [0, 1), a density of x is a lower bound for the probability of
    the grey levels, so that likelihoods of different models can be compared.

    Returns
    -------
    array of the shape of ``patches``, float32
        Values in [0, 1], the last by rounding only.

    References
    ----------
    Theis, van den Oord and Bethge (2016), A note on the evaluation of generative
    models, section 3.1, arXiv:1511.01844.
    """
    return ((patches + rng.random(patches.shape)) / LEVELS).astype("float32")


def evaluation_patches(part: str, step: int = SIDE, n_draws: int = 1) -> Array:
    """Return all patches of a grid over ``part``, with noise that never changes.

    Parameters
    ----------
    part : {"training", "validation", "held-out"}
        Key of `BANDS`.
    step : int
        Distance of the patches; ``SIDE``, the default, lays them edge to edge.
    n_draws : int
        How often every patch appears, each time with noise of its own.

    Returns
    -------
    array, shape (n_draws n_patches, 1, SIDE, SIDE), float32
    """
    rng = np.random.default_rng(NOISE_SEED)
    patches = grid_patches(load_band(part), step)
    return np.concatenate([dequantise(patches, rng) for _ in range(n_draws)])


def bits_per_dimension(log_prob: Array) -> float:
    """Return the mean code length of a pixel in bits.

    Parameters
    ----------
    log_prob : array, shape (N,)
        Log-density of each dequantised patch, in nats.

    Returns
    -------
    float
        ``log2(256) - mean(log_prob) / (D log 2)`` with D pixels per patch: the density
        of a patch in grey levels is 256^D times smaller than that of x in [0, 1].

    Examples
    --------
    The uniform density on [0, 1] needs all 8 bits of a pixel:

    >>> bits_per_dimension(np.zeros(10))
    8.0
    """
    nats = float(np.mean(log_prob, dtype="float64"))
    return math.log2(LEVELS) - nats / (SIDE * SIDE * math.log(2.0))
