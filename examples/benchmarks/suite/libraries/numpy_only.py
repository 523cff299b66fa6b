"""NumPy by itself: how fast products can be, and how long its import takes."""

from __future__ import annotations

import numpy as np

from ..subject import Subject
from ..task import Configuration
from .fresh_process import import_seconds


def product(c: Configuration) -> Subject:
    """Product of two square matrices, with all threads of the BLAS."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, c.size, c.size), "float32")
    out = np.empty_like(a)

    def step():
        np.matmul(a, b, out=out)
        return float(out[0, 0])

    return Subject(step)


def import_package(c: Configuration) -> Subject:
    """Start of an interpreter that imports NumPy."""
    return Subject(lambda: import_seconds("numpy"))
