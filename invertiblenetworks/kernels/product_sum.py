"""Gradients of weights: the sum of matrix products over tiles."""

from __future__ import annotations

from .._types import Array, Shape
from ..backend import get_array_module, has_cuda_kernels
from . import products_cuda
from .products import MOST_MULTIPLICATIONS, cuts, runs_of_parts, stacked
from .workspace import scratch

MOST_COLUMNS = 1024
"""Columns of both matrices that a part of a product sums over."""

BLOCKS = (8, 4)
"""Rows that a part has of the second matrix, if they can be cut so."""


class ProductSum:
    """Sum of products ``left @ right.T`` of the same shapes, with long rows.

    As in `products` it is made of products that the BLAS has better kernels for: all
    rows of one matrix, a block of rows of the other, and a part of their columns.
    """

    def __init__(self):
        self._total: Array | None = None
        self._turned, self._block = False, 0

    def add(self, left: Array, right: Array) -> None:
        """Add one product."""
        if self._total is None:
            self._choose(len(left), len(right), get_array_module(left))
        if self._turned:
            left, right = right, left
        if self._block:
            self._add_in_blocks(left, right)
        else:
            self._add_whole(left, right)

    def of_shape(self, shape: Shape) -> Array:
        """Return the sum; the shape tells whether it has to be transposed."""
        total = self._total
        if self._block:
            total = total.swapaxes(0, 1).reshape(total.shape[1], -1)
        return total if total.shape == shape else total.T

    def _choose(self, n_left: int, n_right: int, xp) -> None:
        """Choose the block, and whether to compute ``right @ left.T``."""
        if cuts(xp):
            # The second matrix is cut, rather the longer one.
            for turned in (n_left > n_right, n_left <= n_right):
                sides = (n_right, n_left) if turned else (n_left, n_right)
                if block := _block(*sides):
                    self._turned, self._block = turned, block
                    return
        # BLAS is faster with the longer side first, most so for narrow nets.
        self._turned = n_left < n_right

    def _add_whole(self, left, right) -> None:
        xp = get_array_module(left)
        if has_cuda_kernels(xp):
            (term,) = products_cuda.correlate(left[None], right[None])
            self._total = term if self._total is None else self._total + term
        elif self._total is None:
            self._total = xp.matmul(left, right.T)
        else:
            term = scratch("gradient of a tile", self._total.shape, self._total)
            self._total += xp.matmul(left, right.T, out=term)

    def _add_in_blocks(self, left, right) -> None:
        if self._total is None:
            shape = (len(right) // self._block, len(left), self._block)
            self._total = get_array_module(left).zeros(shape, left.dtype)
        for columns, n_parts in runs_of_parts(left.shape[1], MOST_COLUMNS):
            self._add_parts(
                stacked(left[:, columns], n_parts), stacked(right[:, columns], n_parts)
            )

    def _add_parts(self, left, right) -> None:
        n_parts, _, length = left.shape
        blocks = right.reshape(n_parts, -1, self._block, length).swapaxes(2, 3)
        shape = (n_parts, *self._total.shape)
        terms = scratch("gradient of a tile", shape, self._total)
        get_array_module(left).matmul(left[:, None], blocks, out=terms)
        self._total += terms[0] if n_parts == 1 else terms.sum(axis=0)


def _block(n_whole: int, n_cut: int) -> int:
    """Rows of a block of ``n_cut`` beside ``n_whole`` rows; 0 if there is none."""
    for block in BLOCKS:
        if (
            n_cut % block == 0
            and n_whole * block * MOST_COLUMNS <= MOST_MULTIPLICATIONS
        ):
            return block
    return 0
