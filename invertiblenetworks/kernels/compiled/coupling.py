"""Formulas of affine couplings, compiled: each is one pass over the memory.

The scale is ``exp(factor arctan(raw))``, as `ExpClampLayer` has it.
"""

from __future__ import annotations

import numpy as np

from ..._types import Array
from ...backend import get_array_module
from ..activation_base import Activation
from .library import Functions, functions_of
from .rows import rows_of


def functions_for(activation: Activation, x: Array) -> Functions | None:
    """Return the compiled functions for a scale and such arrays, if there are any."""
    return functions_of(x) if activation.arctan_factor is not None else None


def transform(
    compiled: Functions,
    activation: Activation,
    inverse: bool,
    x: Array,
    p: Array,
    y: Array,
) -> Array | None:
    """Write ``y = s x + shift`` or, inverse, ``y = (x - shift) / s``.

    Returns
    -------
    array, shape (N,), or None
        Log-determinants of this map; None if it cannot be done with such arrays.
    """
    rows, xp = rows_of(x, p, y), get_array_module(x)
    if rows is None:
        return None
    ld = xp.empty(len(x), x.dtype)
    if xp is np:
        compiled.affine(rows, inverse, x, p, y, ld, activation.arctan_factor)
    return ld


def pull(
    compiled: Functions,
    activation: Activation,
    inverse: bool,
    read: tuple[Array, Array, Array, Array],
    written: tuple[Array, Array, Array],
) -> bool:
    """Pull a cotangent back through the map, or its inverse, and undo the map.

    Parameters
    ----------
    compiled : Functions
    activation : Activation
    inverse : bool
    read : (dy, dld, y, p)
    written : (dx, dp, x)

    Returns
    -------
    bool
        Whether it could be done with such arrays.
    """
    (dy, dld, y, p), (dx, dp, x) = read, written
    rows, xp = rows_of(y, p, x, dy, dp, dx), get_array_module(y)
    if rows is None or dld.dtype != y.dtype:
        return False
    dld = xp.ascontiguousarray(dld)
    if xp is np:
        arrays = (dy, dld, y, p, dx, dp, x)
        compiled.affine_back(rows, inverse, *arrays, activation.arctan_factor)
    return True
