"""What the libraries hand to the measurement."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from .task import Configuration

PERTURBATION = 1e-4
"""Added to all parameters, so that no product is trivially zero."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """A network with its data.

    Attributes
    ----------
    step : callable
        Forward, log-likelihood and gradient of all parameters; returns the value.
    parameters, conditioner_weights : int
        Number of trained parameters, and of those in kernels and matrices of the
        conditioners, which must be the same for all libraries.
    numbers : dict
        More that is to be stored.
    traced_peak : callable, optional
        Returns the most bytes that one call of a step allocates, as ``tracemalloc``
        counts them: without what the allocator leaves between arrays.
    """

    step: Callable[[], float]
    parameters: int = 0
    conditioner_weights: int = 0
    numbers: dict[str, float | list[float]] = dataclasses.field(default_factory=dict)
    traced_peak: Callable[[], int] | None = None


def data(configuration: Configuration) -> np.ndarray:
    """Return the same uniform data for all libraries."""
    return np.random.default_rng(0).random(configuration.shape, "float32")


def squeezed_data(configuration: Configuration) -> np.ndarray:
    """Return images whose blocks of 2 x 2 pixels have become four channels."""
    n, c, height, width = configuration.shape
    blocks = data(configuration).reshape(n, c, height // 2, 2, width // 2, 2)
    channels_first = blocks.transpose(0, 1, 3, 5, 2, 4)
    return np.ascontiguousarray(channels_first).reshape(
        n, 4 * c, height // 2, width // 2
    )
