"""The conditioner of a coupling as one kernel that goes through it tile by tile.

With the activation phi, and size-preserving convolutions (see `ResidualBlock`)::

    h1 = phi(W1 * x + b1),  h2 = phi(W2 * h1 + h1 + b2),  y = W3^T * h2

Convolution, bias and activation of one tile follow each other in buffers that stay in
the cache. A bias is the weight of one more row of columns, of ones; the skip is part
of W2. So each line is one product and one pass in place, and the gradient of a bias is
part of that of the weight.

This file holds what is common; how the second convolution finds its columns is in
`streamed_pointwise` (W2 is 1x1) and `streamed_spatial`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .._types import Array
from ..backend import get_array_module
from .activation_layers import Activation
from .memory import in_tile
from .patches import Tile, tiles
from .windows import Scatter, gather, n_columns, with_margin
from .workspace import Lease, scratch

TILE_BYTES = 2**20
"""Bytes of one hidden state of a tile: about half of a second-level cache."""

LEAST_PIXELS, MOST_PIXELS = 512, 4096
"""Pixels of a tile in any case, for the sake of the products; and at most."""


class Gradients(NamedTuple):
    """Cotangents of the five parameters, in their own shapes."""

    W1: Array
    b1: Array
    W2: Array
    b2: Array
    W3: Array


Pull = Callable[[Array], tuple[Array, Gradients]]


class StreamedBlock:
    """Parameters of one block as matrices, and the loops that are the same for all.

    Parameters
    ----------
    w1 : array, shape (n_hidden, n_in, *kernel1)
    b1, b2 : array, shape (n_hidden,)
    w2 : array, shape (n_hidden, n_hidden, *kernel2)
    w3 : array, shape (n_hidden, n_out, *kernel1)
    activation : Activation
    """

    def __init__(self, w1, b1, w2, b2, w3, activation: Activation):
        self.shapes = (w1.shape, w2.shape, w3.shape)
        self.margin, self.inner_margin = w1.shape[-1] // 2, w2.shape[-1] // 2
        self.n_hidden, self.n_in, self.n_out = len(w1), w1.shape[1], w3.shape[1]
        self.first = with_column(w1, b1, _room_for(w1))
        self.second = with_column(w2, b2, _room_for(w2))
        add_skip(self.second)
        self.third = w3.reshape(self.n_hidden, -1)
        self.activation = activation
        self.xp = get_array_module(w1)

    def forward(self, x: Array) -> Array:
        """Return y of shape (N, n_out, *spatial), of any strides."""
        raise NotImplementedError

    def linearize(self, x: Array) -> tuple[Array, Pull]:
        """Return y, and the function that pulls its cotangent back."""
        raise NotImplementedError

    # --- steps of all loops ---------------------------------------------------------

    def tiles(self, x: Array) -> tuple[Tile, ...]:
        n_pixels = TILE_BYTES // (self.n_hidden * x.dtype.itemsize)
        n_pixels = min(max(n_pixels, LEAST_PIXELS), MOST_PIXELS)
        return tiles(len(x), x.shape[2:], in_tile(n_pixels))

    def room(self, x: Array, *n_rows: int) -> tuple[Lease, list[list[Array]]]:
        """Memory for matrices of so many rows for each tile, each tile in one piece.

        The arrays must not be used after the lease.
        """
        sizes = [n_columns(tile, x.shape[2:]) for tile in self.tiles(x)]
        lease, start, found = Lease((sum(n_rows) * sum(sizes),), x), 0, []
        for n in sizes:
            matrices = []
            for rows in n_rows:
                part = lease.array[start : start + rows * n]
                matrices.append(part.reshape(rows, n))
                start += rows * n
            found.append(matrices)
        return lease, found

    def padded(self, images: Array) -> Array:
        return with_margin(images, self.margin)

    def first_hidden(self, padded_x: Array, tile: Tile, out: Array) -> None:
        """Write h1 of a tile, ``(n_hidden, n_columns)``."""
        columns = self.columns(padded_x, tile, self.margin, "columns of x", bias=True)
        self.xp.matmul(self.first, columns, out=out)
        self.activation.forward_in_place(out)

    def columns(self, padded, tile, margin, role, *, bias) -> Array:
        """Columns of a tile in scratch memory, with a row of ones for a bias."""
        spatial = [size - 2 * margin for size in padded.shape[2:]]
        n_rows = padded.shape[1] * (2 * margin + 1) ** len(spatial)
        shape = (n_rows + bias, n_columns(tile, spatial))
        columns = scratch(role, shape, padded)
        gather(padded, tile, margin, columns[:n_rows])
        if bias:
            columns[n_rows] = 1
        return columns

    def add_output(self, h2: Array, tile: Tile, y: Array) -> None:
        """Add what h2 of a tile contributes to y."""
        self._spread(self.third.T, h2, tile, y)

    def add_input_cotangent(self, da1: Array, tile: Tile, dx: Array) -> None:
        """Add what the cotangent of ``W1 * x`` on a tile contributes to dx."""
        self._spread(self.first[:, :-1].T, da1, tile, dx)

    def _spread(self, matrix, hidden, tile, images) -> None:
        n_channels, spatial = images.shape[1], images.shape[2:]
        scatter = Scatter(n_channels, tile, spatial, self.margin, hidden)
        self.xp.matmul(matrix, hidden, out=scatter.columns)
        scatter.add_to(images)

    def zeros(self, like: Array, n_channels: int) -> Array:
        """Zeros for images of this many channels."""
        shape = (len(like), n_channels, *like.shape[2:])
        return self.xp.zeros(shape, like.dtype)

    def second_cotangent(self, padded_dy, tile, h2, sums, out) -> None:
        """Write the cotangent of the argument of h2; add to the gradient of W3."""
        dy = self.columns(padded_dy, tile, self.margin, "columns of dy", bias=False)
        sums.add(2, h2, dy.T)
        self.xp.matmul(self.third, dy, out=out)
        self.activation.vjp_in_place(out, h2)

    def gradients(self, sums: Sums) -> Gradients:
        first, second, third = sums.aligned(self.first, self.second, self.third)
        shape1, shape2, shape3 = self.shapes
        # Copies: views would hold more than themselves, in another order.
        tidy = self.xp.ascontiguousarray
        return Gradients(
            tidy(first[:, :-1]).reshape(shape1),
            first[:, -1].copy(),
            tidy(second[:, :-1]).reshape(shape2),
            second[:, -1].copy(),
            tidy(third).reshape(shape3),
        )


class Sums:
    """Gradients of the three matrices, summed over tiles."""

    def __init__(self):
        self.totals: list[Array | None] = [None, None, None]

    def add(self, which: int, left: Array, right: Array) -> None:
        """Add a product to the gradient of one of the matrices."""
        if len(left) < right.shape[1]:
            # BLAS is faster with the longer side first, most so for narrow nets.
            left, right = right.T, left.T
        total, xp = self.totals[which], get_array_module(left)
        if total is None:
            self.totals[which] = xp.matmul(left, right)
        else:
            term = scratch("gradient of a tile", total.shape, total)
            total += xp.matmul(left, right, out=term)

    def aligned(self, *matrices: Array) -> list[Array]:
        """Return the sums in the orientation of the matrices."""
        return [
            total if total.shape == matrix.shape else total.T
            for total, matrix in zip(self.totals, matrices, strict=True)
        ]


def with_column(w: Array, b: Array, matrix: Array) -> Array:
    """Write weights and, as last column, the bias to a matrix, and return it."""
    matrix[:, :-1] = w.reshape(len(w), -1)
    matrix[:, -1] = b
    return matrix


def _room_for(w: Array) -> Array:
    """Matrix in C order for weights and one more column."""
    return get_array_module(w).empty((len(w), w[0].size + 1), w.dtype)


def add_skip(matrix: Array) -> None:
    """Add the identity, at the middle tap, to a square convolution; in place.

    The matrix is that of a kernel of odd size, with one more column, in C order.
    """
    n, length = matrix.shape
    n_taps = (length - 1) // n
    diagonal = matrix.reshape(-1)[n_taps // 2 :: length + n_taps]
    diagonal += 1
