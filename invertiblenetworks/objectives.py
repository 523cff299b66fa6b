"""Objectives: value, gradient and Hessian of what is minimised or maximised.

All are divided by the batch size, like the log-determinant of a layer, so that the
two may be added.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._types import Array, Shape
from .backend import get_array_module, is_array, linear_operator_class
from .errors import describe, expect, expect_positive, message
from .kernels.channels import batch_size as leading_size

__all__ = [
    "log_likelihood",
    "log_likelihood_grad",
    "log_likelihood_hess",
    "mse",
    "mse_grad",
    "mse_hess",
]


def mse(x: Array, target: Array, *, batch_size: int | None = None) -> Array:
    """Half the squared distance to a target, per sample: ``|x - target|^2 / (2 N)``.

    Parameters
    ----------
    x, target : array, shape (N, ...)
        What is compared.
    batch_size : int, optional
        N where the first axis does not count samples, as in a flat vector of latent
        variables. Must be given for one-dimensional arrays.

    Returns
    -------
    0-d array

    Raises
    ------
    ValueError
        If the shapes differ, or the batch size is not known.
    TypeError
        If types or devices differ.

    Examples
    --------
    >>> float(mse(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    2.5
    """
    n = _samples("mse", x, batch_size)
    _check_like("mse", x, target=target)
    difference = x - target
    return (difference * difference).sum() / (2.0 * n)


def mse_grad(x: Array, target: Array, *, batch_size: int | None = None) -> Array:
    """Gradient of ``mse`` with respect to ``x``: ``(x - target) / N``.

    Examples
    --------
    >>> mse_grad(np.array([[1.0], [2.0]]), np.zeros((2, 1))).ravel()
    array([0.5, 1. ])
    """
    n = _samples("mse_grad", x, batch_size)
    _check_like("mse_grad", x, target=target)
    return (x - target) / float(n)


def mse_hess(x: Array, target: Array, *, batch_size: int | None = None) -> Any:
    """Hessian of ``mse`` with respect to ``x``: ``1 / N`` times the identity.

    Returns
    -------
    LinearOperator, shape (x.size, x.size)
        SciPy's or CuPy's; acts on vectors in the order of ``x.reshape(-1)``.

    Notes
    -----
    Between a ``Jacobian`` J and its adjoint it makes the Gauss-Newton operator
    ``J.H @ mse_hess(J.y, target) @ J``, ready for ``scipy.sparse.linalg.cg``.

    Examples
    --------
    >>> mse_hess(np.ones((2, 1)), np.zeros((2, 1))).matvec(np.array([1.0, 3.0]))
    array([0.5, 1.5])
    """
    n = _samples("mse_hess", x, batch_size)
    _check_like("mse_hess", x, target=target)
    return _diagonal_operator(1.0 / n, x)


def log_likelihood(
    x: Array,
    mu: float | Array = 0.0,
    sigma: float | Array = 1.0,
    *,
    normalized: bool = False,
    batch_size: int | None = None,
) -> Array:
    """Gaussian log-likelihood per sample, in nats, up to a constant.

    Parameters
    ----------
    x : array, shape (N, ...)
        Where it is evaluated.
    mu, sigma : float or array, default 0 and 1
        Mean and standard deviation; arrays broadcast over ``x``.
    normalized : bool, default False
        Add the constant ``-log(2 pi sigma^2) / 2`` of every entry, as a density
        has it. The original leaves it out.
    batch_size : int, optional
        See ``mse``.

    Returns
    -------
    0-d array

    Raises
    ------
    ValueError
        If a shape does not fit, the batch size is not known, or ``sigma`` is a
        number that is not positive.
    TypeError
        If types or devices differ.

    Notes
    -----
    ``sum(-((x - mu) / sigma)^2 / 2) / N``. With the log-determinant of a flow,
    ``f = -log_likelihood(z) - logdet`` is its negative log-likelihood, and
    ``backward(-log_likelihood_grad(z), z)`` computes the gradient.

    Examples
    --------
    >>> float(log_likelihood(np.array([[1.0, 2.0]])))
    -2.5
    >>> float(log_likelihood(np.array([[1.0], [2.0]])))
    -1.25
    """
    where = "log_likelihood"
    n = _samples(where, x, batch_size)
    mu, sigma = _moments(where, x, mu, sigma)
    residual = (x - mu) / sigma
    value = -0.5 * (residual * residual).sum()
    if normalized:
        value = value - _sum_log(sigma, x) - 0.5 * math.log(2.0 * math.pi) * x.size
    return value / float(n)


def log_likelihood_grad(
    x: Array,
    mu: float | Array = 0.0,
    sigma: float | Array = 1.0,
    *,
    batch_size: int | None = None,
) -> Array:
    """Gradient of ``log_likelihood``: ``-(x - mu) / (N sigma^2)``.

    Examples
    --------
    >>> log_likelihood_grad(np.array([[1.0], [2.0]])).ravel()
    array([-0.5, -1. ])
    """
    where = "log_likelihood_grad"
    n = _samples(where, x, batch_size)
    mu, sigma = _moments(where, x, mu, sigma)
    return (x - mu) / (-float(n) * sigma**2)


def log_likelihood_hess(
    x: Array,
    mu: float | Array = 0.0,
    sigma: float | Array = 1.0,
    *,
    batch_size: int | None = None,
) -> Any:
    """Hessian of ``log_likelihood``: diagonal, ``-1 / (N sigma^2)``.

    Returns
    -------
    LinearOperator, shape (x.size, x.size)
        See ``mse_hess``. It is negative definite: solvers such as ``cg`` want
        ``-log_likelihood_hess(...)``.

    Examples
    --------
    >>> log_likelihood_hess(np.ones((2, 1))).matvec(np.array([1.0, 3.0]))
    array([-0.5, -1.5])
    """
    where = "log_likelihood_hess"
    n = _samples(where, x, batch_size)
    _, sigma = _moments(where, x, mu, sigma)
    return _diagonal_operator(-1.0 / (n * sigma**2), x)


def _samples(where: str, x: Array, batch_size: int | None) -> int:
    """Number of samples to divide by; never guessed for a flat vector."""
    get_array_module(x)
    if batch_size is not None:
        expect_positive(where, batch_size=batch_size)
        return batch_size
    hint = "Say with batch_size= how many samples it holds."
    expect(x.ndim > 1, where, "an array of shape (N, ...) with samples", x, hint)
    expect(x.size > 0, where, "at least one sample", x)
    return leading_size(x)


def _check_like(where: str, x: Array, **others: Array) -> None:
    for name, other in others.items():
        get_array_module(x, other)
        expect(other.shape == x.shape, where, f"{name} of shape {x.shape}", other)
        _check_type(where, x, name, other)


def _check_type(where: str, x: Array, name: str, other: Array) -> None:
    if other.dtype != x.dtype:
        wanted = f"{name} of type {x.dtype}, like x"
        raise TypeError(message(where, wanted, describe(other)))


def _moments(where: str, x: Array, mu, sigma):
    """Mean and deviation as Python numbers, which keep the type of x, or as arrays."""
    checked = []
    for name, value in {"mu": mu, "sigma": sigma}.items():
        if is_array(value):
            get_array_module(x, value)
            _check_type(where, x, name, value)
            fits = _broadcasts_to(value.shape, x.shape)
            expect(fits, where, f"{name} that broadcasts to {x.shape}", value)
        else:
            value = float(value)
            positive = name == "mu" or value > 0.0
            expect(positive, where, f"{name} to be positive", repr(value))
        checked.append(value)
    return checked


def _broadcasts_to(shape: Shape, target: Shape) -> bool:
    try:
        return np.broadcast_shapes(shape, target) == target
    except ValueError:
        return False


def _sum_log(sigma, x: Array):
    """Sum of ``log(sigma)`` over all entries of x."""
    if not is_array(sigma):
        return math.log(sigma) * x.size
    xp = get_array_module(x)
    return xp.broadcast_to(xp.log(sigma), x.shape).sum()


def _diagonal_operator(diagonal, x: Array) -> Any:
    """The matrix that multiplies ``x.reshape(-1)`` by ``diagonal``, entry by entry."""
    xp = get_array_module(x)
    if is_array(diagonal):
        diagonal = xp.broadcast_to(diagonal, x.shape).reshape(-1)

    def multiply(v):
        return diagonal * v.reshape(-1)

    return linear_operator_class(xp)(
        (x.size, x.size), matvec=multiply, rmatvec=multiply, dtype=x.dtype
    )
