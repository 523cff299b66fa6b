"""Bijections of pairs made of bijections of their parts."""

from __future__ import annotations

from ..base import Bijection
from ..errors import expect_in
from .chain import common_cond_kind


class OnLane(Bijection):
    """Apply a bijection to one array of a pair and leave the other alone.

    Parameters
    ----------
    layer : Bijection
        What is applied.
    lane : {0, 1}
        To which of the two arrays.
    """

    def __init__(self, layer: Bijection, lane: int):
        expect_in("OnLane", (0, 1), lane=lane)
        self.layer, self.lane = layer, lane

    @property
    def cond_kind(self) -> str:
        """The kind of condition of the layer behind."""
        return self.layer.cond_kind

    def _put(self, pair, value):
        """Return the pair with the value in the active place."""
        return (value, pair[1]) if self.lane == 0 else (pair[0], value)

    def _forward(self, x, cond):
        y, ld = self.layer._forward(x[self.lane], cond)
        return self._put(x, y), ld

    def _inverse(self, y, cond):
        x, ld = self.layer._inverse(y[self.lane], cond)
        return self._put(y, x), ld

    def _backward(self, dy, dld, y, cond, add_grad):
        dx, x, dcond = self.layer._backward(
            dy[self.lane], dld, y[self.lane], cond, add_grad
        )
        return self._put(dy, dx), self._put(y, x), dcond

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        dy, y, dcond = self.layer._backward_inv(
            dx[self.lane], dld, x[self.lane], cond, add_grad
        )
        return self._put(dx, dy), self._put(x, y), dcond

    def _jacobian(self, dx, dcond, tangent, x, cond):
        dy, y, dld, ld = self.layer._jacobian(
            dx[self.lane], dcond, tangent, x[self.lane], cond
        )
        return self._put(dx, dy), self._put(x, y), dld, ld

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        dx, x, dld, ld = self.layer._jacobian_inv(
            dy[self.lane], dcond, tangent, y[self.lane], cond
        )
        return self._put(dy, dx), self._put(y, x), dld, ld

    def _check_shape(self, shape, cond_shape, inverse):
        self._expect_pair(shape)
        result = self.layer._check_shape(shape[self.lane], cond_shape, inverse)
        return self._put(shape, result)

    def _initialize(self, x, cond, inverse):
        return self._put(x, self.layer._initialize(x[self.lane], cond, inverse))


def on_both(first: Bijection, second: Bijection | None = None) -> list[Bijection]:
    """Apply a bijection to each array of a pair: the same one, or one to each."""
    second = first if second is None else second
    common_cond_kind("on_both", (first, second))
    return [OnLane(first, 0), OnLane(second, 1)]
