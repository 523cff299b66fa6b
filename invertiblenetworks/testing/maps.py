"""One view of nets, bijections and their inverses: differentiable maps of a point."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._types import Array
from ..backend import to_cpu
from ..base import Bijection, Net
from ..compose import reverse
from .numeric import Value, zeros_like
from .pairs import as_one

NO_LOGDET = np.float64(0.0)


class Point(NamedTuple):
    """Everything a map can be differentiated with respect to; also a direction.

    Attributes
    ----------
    x : value
        The argument: an array or a tuple of arrays.
    theta : list of array
        The parameters, aligned with ``get_params()``.
    cond : array or None
        The condition, if it has a gradient.
    """

    x: Value
    theta: list[Array]
    cond: Array | None = None


class Map:
    """A layer as a function ``(x, parameters, condition) -> (y, logdet)``.

    Each method calls one public method of the layer. ``value`` sets the parameters to
    those of the point; derivatives are taken where ``value`` was called last.

    Parameters
    ----------
    layer : Bijection or Net
        The layer; the log-determinant of a bijection must be switched on.
    context : object, optional
        The condition of a layer with ``cond_kind`` "context".
    """

    name = "forward"
    has_logdet = False

    def __init__(self, layer: Bijection | Net, context: object = None):
        self.layer, self.context, self.api = layer, context, as_one(layer)

    def value(self, point: Point) -> tuple[Value, float]:
        """Return the output and, of a bijection, the batch-mean log-determinant."""
        raise NotImplementedError

    def tangent(self, direction: Point, point: Point) -> tuple[Value, float]:
        """Return the derivatives of both along ``direction``."""
        raise NotImplementedError

    def adjoint(self, dy: Value, dlogdet: float, point: Point, y: Value) -> Point:
        """Return the cotangents through ``adjoint_jacobian``; ``y`` is the output."""
        raise NotImplementedError

    def gradient(self, dy: Value, point: Point, y: Value) -> Point:
        """Return the gradients of ``f - logdet`` through ``backward``."""
        x, cond = self._arguments(point)
        self.layer.clear_grad()
        dx, dcond = self._backward(dy, x, y, cond)
        theta = [
            zeros_like(p.data) if p.grad is None else p.grad
            for p in self.layer.get_params()
        ]
        self.layer.clear_grad()
        return Point(dx, theta, dcond)

    def _backward(self, dy, x, y, cond):
        raise NotImplementedError

    def _arguments(self, point):
        """Return the input and the condition of the layer."""
        return point.x, self.context if point.cond is None else point.cond


class NetMap(Map):
    """A net; it has no log-determinant, and gradients take its input."""

    def value(self, point):
        self.layer.set_params(point.theta)
        return self.api.forward(*self._arguments(point)), NO_LOGDET

    def tangent(self, direction, point):
        dx, dtheta, dcond = direction
        x, cond = self._arguments(point)
        return self.api.jacobian(dx, dtheta, x, cond, dcond)[0], NO_LOGDET

    def adjoint(self, dy, dlogdet, point, y):
        return Point(*self.api.adjoint_jacobian(dy, *self._arguments(point)))

    def _backward(self, dy, x, y, cond):
        out = self.api.backward(dy, x, cond)
        return out if self.layer.cond_kind == "array" else (out, None)


class BijectionMap(Map):
    """A bijection."""

    has_logdet = True
    suffix = ""

    def value(self, point):
        self.layer.set_params(point.theta)
        y, logdet = self.api.forward(*self._arguments(point))
        return y, number(logdet)

    def _call(self, method, *arguments, **options):
        return getattr(self.api, method + self.suffix)(*arguments, **options)

    def tangent(self, direction, point):
        dx, dtheta, dcond = direction
        x, cond = self._arguments(point)
        dy, _, dlogdet, _ = self._call("jacobian", dx, dtheta, x, cond, dcond)
        return dy, number(dlogdet)

    def adjoint(self, dy, dlogdet, point, y):
        _, cond = self._arguments(point)
        out = self._call("adjoint_jacobian", dy, y, cond, dlogdet=dlogdet)
        dx, dtheta, _, *dcond = out
        return Point(dx, dtheta, *dcond)

    def _backward(self, dy, x, y, cond):
        dx, _, *dcond = self._call("backward", dy, y, cond)
        return dx, dcond[0] if dcond else None


class InverseMap(BijectionMap):
    """The inverse of a bijection, through the methods named ``..._inv``."""

    name = "inverse"
    suffix = "_inv"

    def value(self, point):
        self.layer.set_params(point.theta)
        # Beside the inverse, as ``inverse`` returns it, this gives its log-determinant.
        x, logdet = as_one(reverse(self.layer)).forward(*self._arguments(point))
        return x, number(logdet)


def number(array: Array) -> np.float64:
    """Return a 0-d array as a number on the host."""
    return np.float64(to_cpu(array))


def maps_of(layer: Bijection | Net, context: object = None) -> list[Map]:
    """Return the maps that a layer defines: one for a net, two for a bijection."""
    if isinstance(layer, Net):
        return [NetMap(layer, context)]
    return [BijectionMap(layer, context), InverseMap(layer, context)]
