"""Gradients of weights: the sum of matrix products over tiles."""

from __future__ import annotations

from .._types import Array, Shape
from ..backend import get_array_module, on_host
from .workspace import scratch


class ProductSum:
    """Sum of products ``left @ right`` of the same shapes, without other memory.

    The product of a tile is in scratch memory, or fresh where arrays live on a device.
    """

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
        elif on_host(xp):
            term = scratch("gradient of a tile", total.shape, total)
            total += xp.matmul(left, right, out=term)
        else:
            total += xp.matmul(left, right)

    def of_shape(self, shape: Shape) -> Array:
        """Return the sum; the shape tells whether it has to be transposed."""
        return self._total if self._total.shape == shape else self._total.T
