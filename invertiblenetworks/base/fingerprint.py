"""``Fingerprint``: a few numbers of a result, by which it is told from another one."""

from __future__ import annotations

import functools

import numpy as np

from .._types import Array
from ..backend import is_gpu
from .checks import parts_of

OF_SAMPLE, OF_BATCH = 0.1, 1e-3
"""By how much a state may change when it is recomputed.

In parts of the largest number of the sample, and of that of the batch: what rounding
does to a sample that nearly vanishes has the size of what is added and taken away.
"""


class Fingerprint:
    """Some numbers of each sample of an array or a pair, and how large they may be.

    Of arrays on a device none: to compare them, one would have to wait.
    """

    def __init__(self, y):
        parts = [] if any(map(is_gpu, parts_of(y))) else parts_of(y)
        self.samples = [_some(part).copy() for part in parts]
        self.sizes = [_largest(part) for part in parts]

    def fits(self, y) -> bool:
        """False if this is the result of another batch, and no rounding of its own."""
        if not self.samples:
            return True
        # Each array of a pair is recomputed from both, and has the errors of both.
        sizes = functools.reduce(np.maximum, self.sizes)
        of_batch = sizes[np.isfinite(sizes)].max(initial=0)
        most = OF_SAMPLE * sizes + OF_BATCH * of_batch
        pairs = zip(parts_of(y), self.samples, strict=True)
        return not any(_differ(_some(part), sample, most) for part, sample in pairs)


def _differ(a: Array, b: Array, most: Array) -> bool:
    """Whether numbers of samples are further apart than each sample may be."""
    most = most.reshape(-1, *[1] * (a.ndim - 1))
    return bool(((abs(a - b) > most) | (np.isnan(a) != np.isnan(b))).any())


def _largest(part: Array) -> Array:
    """Largest absolute value of each sample."""
    axes = tuple(range(1, part.ndim))
    return np.maximum(part.max(axis=axes), -part.min(axis=axes))


def _some(part: Array) -> Array:
    """View of a few numbers of each sample, from all over it."""
    strides = (slice(None, None, -(-n // 4)) for n in part.shape[1:])
    return part[(slice(None), *strides)]
