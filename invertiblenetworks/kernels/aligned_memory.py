"""Memory that begins where the processor reads it fastest."""

from __future__ import annotations

import numpy as np

from .._types import Array
from ..backend import on_host

LINE = 64
"""Bytes of a line of the cache."""


def aligned_bytes(n_bytes: int, xp) -> Array:
    """Fresh memory that begins with a line of the cache, as a device's always does.

    NumPy's is 16 bytes off. Vectors of the processor are as long as a line, so every
    one of them would lie in two.
    """
    if not on_host(xp):
        return xp.empty(n_bytes, np.uint8)
    memory = xp.empty(n_bytes + LINE, np.uint8)
    start = -memory.ctypes.data % LINE if xp is np else 0
    return memory[start : start + n_bytes]
