"""Streamed block whose second convolution is 1x1: a tile needs no other tile."""

from __future__ import annotations

from .._types import Array
from .memory import steps
from .patches import Tile
from .streamed_block import Gradients, Pull, StreamedBlock, Sums
from .windows import n_columns
from .workspace import scratch


class PointwiseBlock(StreamedBlock):
    """See `streamed_block`. A gradient holds both hidden states of the batch."""

    def forward(self, x: Array) -> Array:
        def hidden(i: int, tile: Tile):
            n = n_columns(tile, x.shape[2:])
            return (
                scratch("h1", (self.n_hidden + 1, n), x),
                scratch("h2", (self.n_hidden, n), x),
            )

        return self._forward(x, hidden)

    def linearize(self, x: Array) -> tuple[Array, Pull]:
        lease, hidden = self.room(x, self.n_hidden + 1, self.n_hidden)
        y = self._forward(x, lambda i, tile: hidden[i])

        def pull(dy: Array) -> tuple[Array, Gradients]:
            return self._backward(dy, x, lease, hidden)

        return y, pull

    def _forward(self, x, hidden) -> Array:
        padded_x, y = self.padded(x), self.zeros(x, self.n_out)
        for i, tile in steps(enumerate(self.tiles(x))):
            h1, h2 = hidden(i, tile)
            self.first_hidden(padded_x, tile, h1[:-1])
            h1[-1] = 1
            self.xp.matmul(self.second, h1, out=h2)
            self.activation.forward_in_place(h2)
            self.add_output(h2, tile, y)
        return y

    def _backward(self, dy, x, lease, hidden):
        sums = Sums()
        padded_x, padded_dy = self.padded(x), self.padded(dy)
        dx = self.zeros(x, self.n_in)
        for tile, (h1, h2) in steps(zip(self.tiles(x), hidden, strict=True)):
            da2 = scratch("da2", h2.shape, x)
            self.second_cotangent(padded_dy, tile, h2, sums, da2)
            sums.add(1, da2, h1.T)
            da1 = scratch("da1", h2.shape, x)
            self.xp.matmul(self.second[:, :-1].T, da2, out=da1)
            self.activation.vjp_in_place(da1, h1[:-1])
            columns = self.columns(
                padded_x, tile, self.margin, "columns of x", bias=True
            )
            sums.add(0, da1, columns.T)
            self.add_input_cotangent(da1, tile, dx)
        return dx, self.gradients(sums)
