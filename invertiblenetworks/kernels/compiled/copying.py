"""Copies in C order, compiled: pixels that become channels are far apart.

NumPy takes several times as long for them as for other copies.
"""

from __future__ import annotations

import numpy as np

from ..._types import Array
from ...backend import get_array_module
from .. import workers
from .layouts import layout_of
from .library import functions_of


def copied_in_order(x: Array) -> Array | None:
    """Return a copy in C order; None if NumPy has to make it."""
    compiled, xp = functions_of(x), get_array_module(x)
    if compiled is None or not x.flags.aligned:
        return None
    n_parts = workers.n_parts(x.size * workers.PER_NUMBER)
    layout = layout_of(x.shape, x.strides, x.dtype.itemsize, n_parts)
    if layout is None:
        return None
    result = xp.empty(x.shape, x.dtype)
    if xp is np and x.size:
        compiled.copy(layout, x, result)
    return result
