"""``LinearNet``: linear maps without parameters."""

from __future__ import annotations

from .._types import Array, Shape
from ..base import Net


class LinearNet(Net):
    """A linear map without parameters.

    Everything follows from two methods of the subclass: ``_apply``, and its adjoint
    ``_adjoint``, which is told the shape of the input.
    """

    def _apply(self, x: Array) -> Array:
        raise NotImplementedError

    def _adjoint(self, dy: Array, shape: Shape) -> Array:
        raise NotImplementedError

    def _forward(self, x, cond):
        return self._apply(x)

    def _linearize(self, x, cond):
        shape = x.shape
        return self._apply(x), lambda dy, add_grad: (self._adjoint(dy, shape), None)

    def _jvp(self, dx, dcond, tangent, x, cond):
        return self._apply(dx), self._apply(x)
