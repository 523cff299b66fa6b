"""Products of few reflections, compiled: see `kernels/householder.py`."""

from __future__ import annotations

import numpy as np

from ..._types import Array
from ...backend import get_array_module
from .library import Functions, functions_of

MOST_REFLECTIONS = 8
"""With more, products of matrices are faster."""


def functions_for(v: Array, *others: Array) -> Functions | None:
    """Return the same for some vectors, if these are few."""
    return functions_of(v, *others) if len(v) <= MOST_REFLECTIONS else None


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


def rotation_gradients(
    compiled: Functions,
    s: Array,
    b: Array,
    q: Array,
    gram: Array,
    total: Array,
    of_ld: Array,
) -> tuple[Array, Array, Array]:
    """Return what `scaled_rotation.gradients` does; ``of_ld`` is that of a sum."""
    xp = get_array_module(q)
    read = [xp.ascontiguousarray(a) for a in (s, b, q, gram, total)]
    ds, db, dq = (xp.empty(a.shape, a.dtype) for a in (s, b, q))
    if xp is np:
        compiled.rotation_gradients(len(q), *read, ds, db, dq, of_ld)
    return ds, db, dq
