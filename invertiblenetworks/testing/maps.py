"""One view of nets, bijections and their inverses: differentiable maps of a point."""

from __future__ import annotations

from typing import NamedTuple

from .._types import Array
from ..backend import to_cpu
from ..base import Bijection, Net
from ..compose import reverse
from .numeric import Value, map_arrays, zeros_like
from .pairs import as_one


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
    cond: Array | None

    def map(self, function, *others: Point) -> Point:
        """Apply a function to all arrays."""
        return Point(*map_arrays(function, tuple(self), *map(tuple, others)))


class Map:
    """A layer as a function ``(x, parameters, condition) -> (y, logdet)``.

    Every method sets the parameters of the layer to those of the point and calls one
    public method of the layer.

    Parameters
    ----------
    layer : Bijection or Net
        The layer.
    context : object, optional
        The condition of a layer with ``cond_kind`` "context".
    """

    name = "forward"
    has_logdet = False

    def __init__(self, layer: Bijection | Net, context: object = None):
        self.layer, self.context, self.api = layer, context, as_one(layer)

    def _cond(self, point: Point):
        return self.context if point.cond is None else point.cond

    def _at(self, point: Point):
        """Move the layer to the point; return its input and its condition."""
        self.layer.set_params(point.theta)
        return point.x, self._cond(point)

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
        x, cond = self._at(point)
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


class NetMap(Map):
    """A net; it has no log-determinant."""

    def value(self, point):
        x, cond = self._at(point)
        return self.api.forward(x, cond), 0.0

    def tangent(self, direction, point):
        x, cond = self._at(point)
        dx, dtheta, dcond = direction
        return self.api.jacobian(dx, dtheta, x, cond, dcond)[0], 0.0

    def adjoint(self, dy, dlogdet, point, y):
        x, cond = self._at(point)
        dx, dtheta, *dcond = self.api.adjoint_jacobian(dy, x, cond)
        return Point(dx, dtheta, *(dcond or [None]))

    def _backward(self, dy, x, y, cond):
        out = self.api.backward(dy, x, cond)
        return out if point_has_cond(self.layer) else (out, None)


class BijectionMap(Map):
    """A bijection; ``logdet`` must be switched on."""

    has_logdet = True

    def value(self, point):
        x, cond = self._at(point)
        y, logdet = self.api.forward(x, cond)
        return y, number(logdet)

    def tangent(self, direction, point):
        x, cond = self._at(point)
        dx, dtheta, dcond = direction
        dy, _, dlogdet, _ = self.api.jacobian(dx, dtheta, x, cond, dcond)
        return dy, number(dlogdet)

    def adjoint(self, dy, dlogdet, point, y):
        _, cond = self._at(point)
        out = self.api.adjoint_jacobian(dy, y, cond, dlogdet=dlogdet)
        dx, dtheta, _, *dcond = out
        return Point(dx, dtheta, *(dcond or [None]))

    def _backward(self, dy, x, y, cond):
        dx, _, *dcond = self.api.backward(dy, y, cond)
        return dx, (dcond or [None])[0]


class InverseMap(Map):
    """The inverse of a bijection, through the methods named ``..._inv``."""

    name = "inverse"
    has_logdet = True

    def value(self, point):
        y, cond = self._at(point)
        logdet = as_one(reverse(self.layer)).log_abs_det(y, cond).mean()
        return self.api.inverse(y, cond), number(logdet)

    def tangent(self, direction, point):
        y, cond = self._at(point)
        dy, dtheta, dcond = direction
        dx, _, dlogdet, _ = self.api.jacobian_inv(dy, dtheta, y, cond, dcond)
        return dx, number(dlogdet)

    def adjoint(self, dy, dlogdet, point, y):
        _, cond = self._at(point)
        out = self.api.adjoint_jacobian_inv(dy, y, cond, dlogdet=dlogdet)
        dx, dtheta, _, *dcond = out
        return Point(dx, dtheta, *(dcond or [None]))

    def _backward(self, dy, x, y, cond):
        dx, _, *dcond = self.api.backward_inv(dy, y, cond)
        return dx, (dcond or [None])[0]


def number(array: Array) -> float:
    """Return a 0-d array as a float."""
    return float(to_cpu(array))


def point_has_cond(layer: Bijection | Net) -> bool:
    """True if the condition of ``layer`` is differentiated."""
    return layer.cond_kind == "array"


def maps_of(layer: Bijection | Net, context: object = None) -> list[Map]:
    """Return the maps that a layer defines: one for a net, two for a bijection."""
    if isinstance(layer, Net):
        return [NetMap(layer, context)]
    return [BijectionMap(layer, context), InverseMap(layer, context)]
