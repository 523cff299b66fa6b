"""A bijection, its inverse or a net at one point: value, derivative and adjoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .._types import Array
from ..base import Bijection, Net, zeros_like
from ..kernels.channels import batch_size, per_sample


class Maps(NamedTuple):
    """What an operator needs of a layer; the condition is kept fixed.

    Attributes
    ----------
    y : array or tuple of arrays
        The value.
    ld : array or None
        Log-determinant of each sample; ``None`` of a net.
    push : callable
        The derivative, ``(dx, tangent) -> (dy, dld)``.
    pull : callable
        Its adjoint, ``(dy, dlogdet, add_grad) -> dx``.
    """

    y: Array | tuple[Array, ...]
    ld: Array | None
    push: Callable
    pull: Callable


def bijection_maps(layer: Bijection, x, cond, inverse: bool) -> Maps:
    """Check the arguments, and linearise the layer or its inverse at ``x``."""
    layer._enter(inverse, "jacobian_inv" if inverse else "jacobian", cond, x=x)
    value = layer._inverse if inverse else layer._forward
    derivative = layer._jacobian_inv if inverse else layer._jacobian
    adjoint = layer._backward_inv if inverse else layer._backward
    dcond = zeros_like(cond) if layer.cond_kind == "array" else None
    y, ld = value(x, cond)

    def push(dx, tangent):
        dy, _, dld, _ = derivative(dx, dcond, tangent, x, cond)
        return dy, dld

    def pull(dy, dlogdet, add_grad):
        # The log-determinant is a mean over the batch.
        dld = per_sample(y, 0.0 if dlogdet is None else dlogdet / batch_size(y))
        return adjoint(dy, dld, y, cond, add_grad)[0]

    return Maps(y, ld, push, pull)


def net_maps(net: Net, x, cond) -> Maps:
    """Check the arguments, and linearise the net at ``x``."""
    net._check("jacobian", cond, x=x)
    dcond = zeros_like(cond) if net.cond_kind == "array" else None

    def push(dx, tangent):
        return net._jvp(dx, dcond, tangent, x, cond)[0], None

    def pull(dy, dlogdet, add_grad):
        return net._linearize(x, cond)[1](dy, add_grad)[0]

    return Maps(net._forward(x, cond), None, push, pull)
