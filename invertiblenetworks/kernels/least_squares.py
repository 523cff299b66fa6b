"""Gradient, curvature and damped solution of ``|A x - d|^2 / 2`` for real ``x``.

Vectors are the columns of arrays; ``A`` is any operator that ``linear_maps`` takes.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._types import Array
from ..backend import get_array_module
from .conjugate_gradients import conjugate_gradients
from .linear_maps import apply, apply_adjoint


def misfit_gradient(operator: Any, x: Array, d: Array) -> Array:
    """Return ``Re A^H (A x - d)``.

    Parameters
    ----------
    operator : object
        The operator A of shape (rows, n).
    x : array, shape (n, batch)
        Real vectors.
    d : array, shape (rows, batch)
        Data, real or complex.
    """
    return _real(apply_adjoint(operator, apply(operator, x) - d), x)


def normal_product(operator: Any, x: Array) -> Array:
    """Return ``Re A^H A x``, the derivative of the gradient: a self-adjoint map.

    Parameters
    ----------
    operator : object
        The operator A of shape (rows, n).
    x : array, shape (n, batch)
        Real vectors.
    """
    return _real(apply_adjoint(operator, apply(operator, x)), x)


def damped_solve(operator: Any, b: Array, damping: float, max_steps: int) -> Array:
    """Return ``(Re A^H A + damping)^-1 b`` by conjugate gradients.

    Parameters
    ----------
    operator : object
        The operator A of shape (rows, n).
    b : array, shape (n, batch)
        Real right-hand sides.
    damping : float
        Greater than 0.
    max_steps : int
        Number of steps, with one product of A and one of its adjoint each.

    Returns
    -------
    array, shape (n, batch)
        The solutions.

    Notes
    -----
    On NumPy the steps end when the residual of every column is rounding, with a
    ``RuntimeWarning`` if it never is. On CuPy all steps are made, since looking at the
    residual would make the host wait; those after convergence change nothing.

    About ``19 sqrt(k)`` steps are enough in float64 and ``9 sqrt(k)`` in float32, with
    the condition number ``k = 1 + |A|^2 / damping``; never many more than ``A`` has
    rows.

    References
    ----------
    Saad (2003), Iterative methods for sparse linear systems, 2nd ed., equation (6.128).
    """
    rounding = float(np.finfo(b.dtype).eps)

    def product(x):
        return normal_product(operator, x) + damping * x

    x, residual = conjugate_gradients(product, b, max_steps, rounding)
    if get_array_module(b) is np:
        _warn_unless_solved(float(residual.max()) / rounding, max_steps)
    return x


def _warn_unless_solved(residual: float, n_steps: int) -> None:
    if not residual <= 1.0:
        warnings.warn(
            f"damped_solve: the residual is {residual:.0e} times rounding after "
            f"{n_steps} steps, so gradients are not exact. Take more steps, or more "
            "damping.",
            RuntimeWarning,
            stacklevel=3,
        )


def _real(product: Array, x: Array) -> Array:
    """Real part, in the precision of ``x``: only it moves a real vector."""
    return product.real.astype(x.dtype, copy=False)
