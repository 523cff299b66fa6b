"""Formulas of affine couplings, compiled: each is one pass over the memory.

The scale is that of one of `SCALES`.
"""

from __future__ import annotations

import numpy as np

from ..._types import Array
from ...backend import get_array_module
from .. import workers
from ..activation_base import Activation, is_one_of
from ..workspace import scratch
from .library import Functions, functions_of
from .rows import Rows, rows_of

SCALES = ("exp_arctan", "logistic", "softplus")
"""Kinds of activations."""

OF_FORMULA = 4
"""How many times longer a formula takes than reading its numbers."""


def functions_for(
    activation: Activation, *arrays: Array
) -> tuple[Functions, Rows] | None:
    """Return the compiled functions and the rows of arrays, as `rows_of` has them.

    None if NumPy does it: for another scale, or for such arrays.
    """
    known = is_one_of(SCALES, activation)
    compiled = functions_of(arrays[0]) if known else None
    if compiled is None:
        return None
    n_parts = workers.n_parts(arrays[0].size * OF_FORMULA * workers.PER_NUMBER)
    rows = rows_of(*arrays, n_parts=n_parts)
    return None if rows is None else (compiled, rows)


def transform(
    compiled: tuple[Functions, Rows],
    activation: Activation,
    inverse: bool,
    x: Array,
    p: Array,
    y: Array,
) -> Array:
    """Write ``y = s x + shift`` or, inverse, ``y = (x - shift) / s``.

    Returns
    -------
    array, shape (N,)
        Log-determinants of this map.
    """
    (functions, rows), xp = compiled, get_array_module(x)
    ld = xp.empty(len(x), x.dtype)
    memory = scratch("compiled coupling", (rows.n_parts * len(x),), x)
    if xp is np:
        arrays = (x, p, y, ld, memory)
        functions.affine(rows, inverse, *arrays, *activation.compiled_as.words)
    return ld


def pull(
    compiled: tuple[Functions, Rows],
    activation: Activation,
    inverse: bool,
    read: tuple[Array, Array, Array, Array],
    written: tuple[Array, Array, Array],
) -> None:
    """Pull a cotangent back through the map, or its inverse, and undo the map.

    Parameters
    ----------
    compiled : (Functions, Rows)
    activation : Activation
    inverse : bool
    read : (dy, dld, y, p)
    written : (dx, dp, x)
    """
    (functions, rows), (dy, dld, y, p), (dx, dp, x) = compiled, read, written
    xp = get_array_module(y)
    dld = xp.ascontiguousarray(dld)
    if xp is np:
        arrays = (dy, dld, y, p, dx, dp, x)
        functions.affine_back(rows, inverse, *arrays, *activation.compiled_as.words)
