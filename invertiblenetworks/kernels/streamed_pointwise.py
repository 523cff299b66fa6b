"""Streamed block whose second convolution is 1x1: a tile needs no other tile.

Convolution, bias and activation of one tile follow each other in buffers that stay in
the cache. A bias is the weight of one more row of columns, of ones; the skip is part
of W2. So each line is one product and one pass in place, and the gradient of a bias is
part of that of the weight.
"""

from __future__ import annotations

from .._types import Array
from ..backend import get_array_module
from .activation_layers import Activation
from .memory import in_tile, steps
from .patches import Tile, tiles
from .product_sum import ProductSum
from .products import arranged, multiply
from .streamed_block import Gradients, Pull, add_skip, with_column
from .windows import Scatter, gather, n_columns, with_margin
from .workspace import (
    Lease,
    empty_result,
    row_length,
    scratch_matrix,
    scratch_rows,
)

TILE_BYTES = 2**20
"""Bytes of one hidden state of a tile: about half of a second-level cache."""

LEAST_PIXELS, MOST_PIXELS = 512, 4096
"""Pixels of a tile in any case, for the sake of the products; and at most."""


class PointwiseBlock:
    """See `streamed_block`. A gradient holds both hidden states of the batch.

    Parameters
    ----------
    w1 : array, shape (n_hidden, n_in, *kernel)
    b1, b2 : array, shape (n_hidden,)
    w2 : array, shape (n_hidden, n_hidden, *ones)
    w3 : array, shape (n_hidden, n_out, *kernel)
    activation : Activation
    """

    def __init__(self, w1, b1, w2, b2, w3, activation: Activation):
        self.shapes = (w1.shape, w2.shape, w3.shape)
        self.margin = w1.shape[-1] // 2
        self.n_hidden, self.n_in, self.n_out = len(w1), w1.shape[1], w3.shape[1]
        second = with_column(w2, b2, _room_for(w2))
        add_skip(second)
        self.first = arranged(with_column(w1, b1, _room_for(w1)))
        self.first_adjoint = arranged(w1.reshape(self.n_hidden, -1).T)
        self.second = arranged(second)
        self.second_adjoint = arranged(second[:, :-1].T)
        self.third = arranged(w3.reshape(self.n_hidden, -1))
        self.third_adjoint = arranged(w3.reshape(self.n_hidden, -1).T)
        self.activation = activation
        self.xp = get_array_module(w1)

    def forward(self, x: Array) -> Array:
        def hidden(i: int, tile: Tile):
            n = n_columns(tile, x.shape[2:])
            return (
                scratch_rows("h1", self.n_hidden + 1, n, x),
                scratch_rows("h2", self.n_hidden, n, x),
            )

        return self._forward(x, hidden)

    def linearize(self, x: Array) -> tuple[Array, Pull]:
        lease, hidden = self._room(x, self.n_hidden + 1, self.n_hidden)
        y = self._forward(x, lambda i, tile: hidden[i])

        def pull(dy: Array) -> tuple[Array, Gradients]:
            return self._backward(dy, x, lease, hidden)

        return y, pull

    def _forward(self, x, hidden) -> Array:
        padded_x = self._padded(x)
        y = empty_result((len(x), self.n_out, *x.shape[2:]), x)
        y[...] = 0
        for i, tile in steps(enumerate(self._tiles(x))):
            h1, h2 = hidden(i, tile)
            n = n_columns(tile, x.shape[2:])
            self._first_hidden(padded_x, tile, h1[:-1], n)
            h1[-1] = 1
            multiply(self.second, h1[:, :n], out=h2[:, :n])
            self._activate(h2, n)
            self._add_output(h2[:, :n], tile, y)
        return y

    def _backward(self, dy, x, lease, hidden):
        sums = [ProductSum() for _ in range(3)]
        padded_x, padded_dy = self._padded(x), self._padded(dy)
        dx = self._zeros(x, self.n_in)
        for tile, (h1, h2) in steps(zip(self._tiles(x), hidden, strict=True)):
            n = n_columns(tile, x.shape[2:])
            da2 = scratch_rows("da2", self.n_hidden, n, x)
            self._second_cotangent(padded_dy, tile, h2, sums, da2, n)
            sums[1].add(da2[:, :n], h1[:, :n])
            da1 = scratch_rows("da1", self.n_hidden, n, x)
            multiply(self.second_adjoint, da2[:, :n], out=da1[:, :n])
            self.activation.vjp_in_place(da1, h1[:-1])
            columns = self._columns(padded_x, tile, "columns of x", bias=True)
            sums[0].add(da1[:, :n], columns)
            self._add_input_cotangent(da1[:, :n], tile, dx)
        return dx, self._gradients(sums)

    # --- steps of all loops ---------------------------------------------------------

    def _tiles(self, x: Array) -> tuple[Tile, ...]:
        n_pixels = TILE_BYTES // (self.n_hidden * x.dtype.itemsize)
        n_pixels = min(max(n_pixels, LEAST_PIXELS), MOST_PIXELS)
        return tiles(len(x), x.shape[2:], in_tile(n_pixels))

    def _room(self, x: Array, *n_rows: int) -> tuple[Lease, list[list[Array]]]:
        """Memory for matrices of so many rows for each tile, each tile in one piece.

        The arrays must not be used after the lease.
        """
        sizes = [row_length(n_columns(tile, x.shape[2:]), x) for tile in self._tiles(x)]
        lease, start, found = Lease((sum(n_rows) * sum(sizes),), x), 0, []
        for n in sizes:
            matrices = []
            for rows in n_rows:
                part = lease.array[start : start + rows * n]
                matrices.append(part.reshape(rows, n))
                start += rows * n
            found.append(matrices)
        return lease, found

    def _padded(self, images: Array) -> Array:
        return with_margin(images, self.margin)

    def _first_hidden(self, padded_x: Array, tile: Tile, out: Array, n: int) -> None:
        """Write h1 of a tile, n columns."""
        columns = self._columns(padded_x, tile, "columns of x", bias=True)
        multiply(self.first, columns, out=out[:, :n])
        self._activate(out, n)

    def _activate(self, hidden: Array, n: int) -> None:
        """Apply the activation in place to rows that have gaps after ``n`` columns."""
        hidden[:, n:] = 0
        self.activation.forward_in_place(hidden)

    def _columns(self, padded, tile, role, *, bias) -> Array:
        """Columns of a tile in scratch memory, with a row of ones for a bias."""
        spatial = [size - 2 * self.margin for size in padded.shape[2:]]
        n_rows = padded.shape[1] * (2 * self.margin + 1) ** len(spatial)
        n = n_columns(tile, spatial)
        columns = scratch_matrix(role, n_rows + bias, n, padded)
        gather(padded, tile, self.margin, columns[:n_rows])
        if bias:
            columns[n_rows] = 1
        return columns

    def _add_output(self, h2: Array, tile: Tile, y: Array) -> None:
        """Add what h2 of a tile contributes to y."""
        self._spread(self.third_adjoint, h2, tile, y)

    def _add_input_cotangent(self, da1: Array, tile: Tile, dx: Array) -> None:
        """Add what the cotangent of ``W1 * x`` on a tile contributes to dx."""
        self._spread(self.first_adjoint, da1, tile, dx)

    def _spread(self, matrix, hidden, tile, images) -> None:
        n_channels, spatial = images.shape[1], images.shape[2:]
        scatter = Scatter(n_channels, tile, spatial, self.margin, hidden)
        multiply(matrix, hidden, out=scatter.columns)
        scatter.add_to(images)

    def _zeros(self, like: Array, n_channels: int) -> Array:
        """Zeros for images of this many channels."""
        shape = (len(like), n_channels, *like.shape[2:])
        return self.xp.zeros(shape, like.dtype)

    def _second_cotangent(self, padded_dy, tile, h2, sums, out, n) -> None:
        """Write the cotangent of the argument of h2; add to the gradient of W3."""
        dy = self._columns(padded_dy, tile, "columns of dy", bias=False)
        sums[2].add(h2[:, :n], dy)
        multiply(self.third, dy, out=out[:, :n])
        self.activation.vjp_in_place(out, h2)

    def _gradients(self, sums: list[ProductSum]) -> Gradients:
        matrices = (self.first, self.second, self.third)
        first, second, third = (
            total.of_shape(matrix.shape)
            for total, matrix in zip(sums, matrices, strict=True)
        )
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


def _room_for(w: Array) -> Array:
    """Matrix in C order for weights and one more column."""
    return get_array_module(w).empty((len(w), w[0].size + 1), w.dtype)
