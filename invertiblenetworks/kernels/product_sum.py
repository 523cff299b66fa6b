"""Gradients of weights: the sum of matrix products over tiles."""

from __future__ import annotations

from .._types import Array, Shape
from ..backend import get_array_module
from .workspace import scratch


class ProductSum:
    """Sum of products ``left @ right`` of the same shapes, by way of scratch memory."""

    def __init__(self):
        self._total: Array | None = None

    def add(self, left: Array, right: Array) -> None:
        """Add one product."""
        if len(left) < right.shape[1]:
            # BLAS is faster with the longer side first, most so for narrow nets.
            left, right = right.T, left.T
        xp, total = get_array_module(left), self._total
        if total is None:
            self._total = xp.matmul(left, right)
        else:
            term = scratch("gradient of a tile", total.shape, total)
            total += xp.matmul(left, right, out=term)

    def of_shape(self, shape: Shape) -> Array:
        """Return the sum; the shape tells whether it has to be transposed."""
        return self._total if self._total.shape == shape else self._total.T
