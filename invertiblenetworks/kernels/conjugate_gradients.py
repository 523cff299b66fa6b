"""Conjugate gradients for many right-hand sides at once, without looking at the device.

SciPy's and CuPy's solvers take one right-hand side and wait for the device after every
step; gradients that pass through a solution need neither.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._types import Array
from ..backend import get_array_module


def conjugate_gradients(
    product: Callable[[Array], Array],
    b: Array,
    max_steps: int,
    tolerance: float = 0.0,
) -> tuple[Array, Array]:
    """Solve ``A x = b`` for a self-adjoint, positive definite map A.

    Parameters
    ----------
    product : callable
        ``A`` applied to the columns of an array.
    b : array, shape (n, batch)
        Right-hand sides.
    max_steps : int
        Number of products with A.
    tolerance : float, default 0
        On NumPy the steps end when every residual is at most this times the norm of
        its right-hand side. On CuPy all steps are made, since looking at the residual
        would make the host wait; those after convergence change nothing.

    Returns
    -------
    x : array, shape (n, batch)
        The solutions.
    residual : array, shape (batch,)
        Norms of the residuals, relative to those of the right-hand sides.

    References
    ----------
    Saad (2003), Iterative methods for sparse linear systems, 2nd ed., algorithm 6.18.

    Examples
    --------
    >>> x, residual = conjugate_gradients(lambda v: 4.0 * v, np.ones((3, 1)), 5)
    >>> x.ravel()
    array([0.25, 0.25, 0.25])
    """
    xp = get_array_module(b)
    tiny = float(xp.finfo(b.dtype).tiny)
    x, r, p = xp.zeros_like(b), b, b
    rr = start = (b * b).sum(axis=0)
    for _ in range(max_steps):
        if xp is np and (rr <= tolerance * tolerance * start).all():
            break
        q = product(p)
        # A column that is solved exactly has p = 0: its steps become 0 / tiny.
        step = rr / xp.maximum((p * q).sum(axis=0), tiny)
        x = x + step * p
        r = r - step * q
        rr_before, rr = rr, (r * r).sum(axis=0)
        p = r + rr / xp.maximum(rr_before, tiny) * p
    return x, xp.sqrt(rr / xp.maximum(start, tiny))
