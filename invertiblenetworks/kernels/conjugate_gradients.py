"""Conjugate gradients for many right-hand sides at once, without looking at the device.

SciPy's and CuPy's solvers take one right-hand side and wait for the device after every
step; gradients that pass through a solution need neither.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._types import Array
from ..backend import get_array_module
from ..errors import message


def conjugate_gradients(
    product: Callable[[Array], Array],
    b: Array,
    max_steps: int,
    tolerance: float = 0.0,
) -> tuple[Array, Array]:
    """Solve ``A x = b`` for a self-adjoint, positive semi-definite map A.

    Parameters
    ----------
    product : callable
        ``A`` applied to the columns of an array.
    b : array, shape (n, batch)
        Right-hand sides.
    max_steps : int
        Number of products with A.
    tolerance : float, default 0
        A column stands still once its residual is at most this (or rounding) times
        the norm of its right-hand side, or only null directions are left. On NumPy
        the steps then end; on CuPy all are made, since looking at the residual would
        make the host wait.

    Returns
    -------
    x : array, shape (n, batch)
        The solutions.
    residual : array, shape (batch,)
        Norms of the residuals, relative to those of the right-hand sides.

    Raises
    ------
    ValueError
        On NumPy, if the map turns out not to be positive semi-definite.

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
    numbers = xp.finfo(b.dtype)
    eps, tiny = float(numbers.eps), float(numbers.tiny)
    # In units of the largest entry, so that no square overflows or vanishes.
    unit = xp.maximum(abs(b).max(axis=0), tiny)
    b = b / unit
    x, r, p = xp.zeros_like(b), b, b
    rr = start = (b * b).sum(axis=0)
    goal = max(tolerance, eps) ** 2 * start
    largest = xp.zeros_like(rr)  # curvature seen so far, of each column
    running = rr > goal
    for _ in range(max_steps):
        if xp is np and not running.any():
            break
        q = product(p)
        pp, pq = (p * p).sum(axis=0), (p * q).sum(axis=0)
        if xp is np:
            _expect_no_descent(running, pq, pp, largest, eps)
        largest = xp.maximum(largest, pq / xp.maximum(pp, tiny))
        # What is curved by rounding only is a null direction: nothing to gain there.
        running = running & (rr > goal) & (pq > 10.0 * eps * largest * pp)
        step = xp.where(running, rr / xp.maximum(pq, tiny), xp.zeros_like(rr))
        x = x + step * p
        r = r - step * q
        rr_before, rr = rr, (r * r).sum(axis=0)
        p = r + rr / xp.maximum(rr_before, tiny) * p
        running = running & (rr > goal)
    return x * unit, xp.sqrt(rr / xp.maximum(start, tiny))


def _expect_no_descent(running, pq, pp, largest, eps) -> None:
    """Raise if the map curves downwards, beyond rounding."""
    if (running & (pq < -100.0 * eps * np.maximum(largest, 1.0) * pp)).any():
        wanted, got = "a positive semi-definite map", "a negative curvature"
        hint = "Minimise the negative of what is to be maximised."
        raise ValueError(message("conjugate_gradients", wanted, got, hint))
