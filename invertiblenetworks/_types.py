"""Names for the kinds of value that travel through the package."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""A ``numpy.ndarray`` or a ``cupy.ndarray``."""

Rng: TypeAlias = np.random.Generator
"""Source of random numbers; drawn on the host for both backends."""

Shape: TypeAlias = tuple[int, ...]
"""Shape of one array; a pair of arrays has a tuple of two of these."""
