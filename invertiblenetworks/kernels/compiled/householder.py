"""Products of few reflections, compiled: see `kernels/householder.py`."""

from __future__ import annotations

import numpy as np

from ..._types import Array
from ...backend import get_array_module, on_host
from .library import Functions, functions

MOST_REFLECTIONS = 8
"""With more, products of matrices are faster."""


def functions_for(v: Array) -> Functions | None:
    """Return the compiled functions for these vectors, if there are any."""
    few = len(v) <= MOST_REFLECTIONS and on_host(get_array_module(v))
    return functions(v.dtype) if few else None


def householder_matrix(compiled: Functions, v: Array) -> Array:
    """Return what `householder.householder_matrix` does."""
    xp, (m, k) = get_array_module(v), v.shape
    v, q = xp.ascontiguousarray(v), xp.empty((k, k), v.dtype)
    memory = xp.empty(m * k, v.dtype)
    if xp is np:
        compiled.householder(m, k, v, q, memory)
    return q


def householder_adjoint(compiled: Functions, v: Array, g: Array) -> Array:
    """Return what `householder.householder_adjoint` does."""
    xp, (m, k) = get_array_module(v), v.shape
    v, g = xp.ascontiguousarray(v), xp.ascontiguousarray(g)
    dv, memory = xp.empty(v.shape, v.dtype), xp.empty(m * (3 * k + m), v.dtype)
    if xp is np:
        compiled.householder_adjoint(m, k, v, g, dv, memory)
    return dv
