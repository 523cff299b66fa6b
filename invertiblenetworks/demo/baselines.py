"""Two densities in closed form, fitted to patches: what a flow has to beat."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import scipy.linalg

from .._types import Array
from .patches import LEVELS, dequantise, grid_patches, load_band


class IndependentPixels:
    """Histogram of the grey levels at every pixel of the patch, all independent.

    Parameters
    ----------
    patches : array, shape (N, 1, H, W), uint8
        The patches to fit.

    Notes
    -----
    Probability of a level: ``(count + 1) / (N + 256)``, Laplace's rule of succession,
    so that no level has probability zero. Dequantised, the density is constant on the
    interval of a level.

    Examples
    --------
    Fitted to no patches at all it is uniform, of density 1 on [0, 1]:

    >>> model = IndependentPixels(np.zeros((0, 1, 2, 2), "uint8"))
    >>> model.log_prob(np.full((1, 1, 2, 2), 0.3))
    array([0.])
    """

    def __init__(self, patches: Array):
        pixels = patches.reshape(len(patches), math.prod(patches.shape[1:]))
        counts = [np.bincount(column, minlength=LEVELS) for column in pixels.T]
        probability = (np.stack(counts) + 1.0) / (len(patches) + LEVELS)
        self.log_density = np.log(probability * LEVELS)  # (pixels, levels)

    def log_prob(self, x: Array) -> Array:
        """Log-density of dequantised patches in nats, shape (N,)."""
        levels = (x.reshape(len(x), -1) * LEVELS).astype("int64")
        levels = levels.clip(0, LEVELS - 1)  # 1.0 can come from rounding
        pixels = np.arange(levels.shape[1])
        return self.log_density[pixels, levels].sum(axis=1)


class FullGaussian:
    """Normal distribution with the mean and the full covariance of the patches.

    Parameters
    ----------
    x : array, shape (N, 1, H, W)
        Dequantised patches; more of them than pixels. Their noise of variance
        1 / (12 256^2) also keeps the covariance positive definite.

    Notes
    -----
    ``-(|L^-1 (x - m)|^2 + D log(2 pi)) / 2 - log det L`` with the Cholesky factor L
    of the maximum-likelihood covariance.
    """

    def __init__(self, x: Array):
        flat = x.reshape(len(x), -1)
        self.mean = flat.mean(axis=0, dtype="float64")
        centred = flat - self.mean
        self.factor = np.linalg.cholesky(centred.T @ centred / len(flat))

    def log_prob(self, x: Array) -> Array:
        """Log-density of dequantised patches in nats, shape (N,)."""
        centred = (x.reshape(len(x), -1) - self.mean).T
        white = scipy.linalg.solve_triangular(self.factor, centred, lower=True)
        log_det = np.log(np.diag(self.factor)).sum()
        constant = 0.5 * len(self.mean) * math.log(2.0 * math.pi) + log_det
        return -0.5 * (white * white).sum(axis=0) - constant


Baseline: TypeAlias = IndependentPixels | FullGaussian


def fit_baselines() -> dict[str, Baseline]:
    """Fit both to every second patch of the training part, along rows and columns."""
    patches = grid_patches(load_band("training"), step=2)
    noisy = dequantise(patches, np.random.default_rng(0))
    return {
        "independent pixels": IndependentPixels(patches),
        "full-covariance Gaussian": FullGaussian(noisy),
    }
