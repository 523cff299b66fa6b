"""One Gauss-Newton step for the parameters of a network, by conjugate gradients."""

from __future__ import annotations

from typing import Any

from .._types import Array
from ..base import Bijection, Net
from ..errors import expect
from ..kernels.conjugate_gradients import conjugate_gradients
from .jacobian import Jacobian


def gauss_newton_step(
    layer: Bijection | Net,
    x: Array | tuple[Array, Array],
    gradient: Array,
    hessian: Any,
    *,
    damping: float = 0.0,
    max_iterations: int = 20,
    tolerance: float = 1e-6,
    cond: Any = None,
) -> list[Array]:
    """Direction that minimises the quadratic model of a misfit of the output.

    Parameters
    ----------
    layer : Bijection or Net
        The map; its parameters are not changed.
    x : array, or tuple of two arrays
        The input.
    gradient : array
        Gradient of the misfit with respect to the output, of its shape; for instance
        ``mse_grad(y, target)``.
    hessian : LinearOperator
        Hessian of the misfit with respect to the flattened output, for instance
        ``mse_hess(y, target)``; positive semi-definite (that of ``log_likelihood`` is
        negative: change the signs of both).
    damping : float, default 0
        Added to the diagonal (Levenberg-Marquardt).
    max_iterations : int, default 20
        Bound on the iterations of the conjugate gradients; each costs one product
        with J and one with its adjoint, at memory constant in depth.
    tolerance : float, default 1e-6
        Relative residual at which they stop on NumPy; on CuPy all are made.
    cond : array or object, optional
        The condition, if the layer takes one.

    Returns
    -------
    dtheta : list of array
        The step, aligned with ``get_params()``: add it to the parameters.

    Notes
    -----
    Solves ``(J^T H J + damping I) dtheta = -J^T gradient``.

    References
    ----------
    Nocedal and Wright (2006), Numerical optimization, sections 7.1 and 10.3.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import AffineLayer, mse_grad, mse_hess
    >>> layer = AffineLayer(2, 2, 1, dtype="float64")
    >>> x, target = np.random.default_rng(0).random((2, 5, 1, 2, 2))
    >>> y = layer.forward(x)
    >>> step = gauss_newton_step(layer, x, mse_grad(y, target), mse_hess(y, target))
    >>> layer.set_params([p.data + d for p, d in zip(layer.get_params(), step)])
    >>> gradient = mse_grad(layer.forward(x), target)
    >>> bool(abs(layer.adjoint_jacobian(gradient, layer.forward(x))[1][0]).max() < 1e-8)
    True
    """
    where = "gauss_newton_step"
    expect(damping >= 0.0, where, "damping of at least 0", f"{damping}")
    damping = float(damping)
    J = Jacobian(layer, x, "params", cond=cond)

    def normal(columns):
        (v,) = columns.T
        return (J.H @ (hessian @ (J @ v)) + damping * v)[:, None]

    rhs = -(J.H @ J.join_range(gradient))
    solution, _ = conjugate_gradients(normal, rhs[:, None], max_iterations, tolerance)
    return J.split_domain(solution[:, 0])[1]
