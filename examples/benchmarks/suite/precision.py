"""How far gradients in float32 are from those in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from .subject import Subject
from .task import Configuration

LEARNING_RATE = 5e-4
TRAINING_STEPS, BATCHES = 200, 20

Gradients = Callable[[np.ndarray], Sequence[np.ndarray]]


def smooth_images(c: Configuration, seed: int, number: int) -> Iterator[np.ndarray]:
    """Yield batches of random images whose neighbours are correlated."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        noise = rng.standard_normal(c.shape)
        for axis in (2, 3):
            noise = noise + np.roll(noise, 1, axis) + np.roll(noise, -1, axis)
        yield (noise / noise.std()).astype("float32")


def training_images(c: Configuration) -> Iterator[np.ndarray]:
    """Yield the batches of images that all networks are trained on."""
    return smooth_images(c, seed=0, number=TRAINING_STEPS)


def precision_subject(
    c: Configuration, single: Gradients, double: Gradients
) -> Subject:
    """Compare gradients on batches that the network has not seen.

    Parameters
    ----------
    c : Configuration
        Of the images.
    single, double : callable
        Return the gradients of all parameters in float32 and in float64.

    Returns
    -------
    Subject
        With one number for each batch, the error of the parameter whose gradient is the
        least accurate: relative, in the 2-norm.
    """
    errors = [
        _worst_error(single(x), double(x.astype("float64")))
        for x in smooth_images(c, seed=1, number=BATCHES)
    ]
    # NumPy's maximum, unlike Python's, is not a number if one of them is none.
    return Subject(lambda: float(np.max(errors)), numbers={"errors": errors})


def _worst_error(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> float:
    pairs = zip(found, wanted, strict=True)
    errors = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs]
    return float(np.max(errors))
