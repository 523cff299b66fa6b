"""Streamed block whose second convolution reaches over neighbouring pixels."""

from __future__ import annotations

from .._types import Array
from .memory import steps
from .patches import Tile
from .streamed_block import Gradients, Pull, StreamedBlock, Sums
from .windows import interior, n_columns, zeros_with_margin
from .workspace import scratch


class SpatialBlock(StreamedBlock):
    """See `streamed_block`. One hidden state of the batch is stored with a margin.

    A gradient holds both hidden states, and the cotangent of one.
    """

    def forward(self, x: Array) -> Array:
        def second(i: int, tile: Tile) -> Array:
            return scratch("h2", (self.n_hidden, n_columns(tile, x.shape[2:])), x)

        return self._forward(x, self._hidden_image(x), second)

    def linearize(self, x: Array) -> tuple[Array, Pull]:
        image = self._hidden_image(x)
        lease, hidden = self.room(x, self.n_hidden)
        y = self._forward(x, image, lambda i, tile: hidden[i][0])

        def pull(dy: Array) -> tuple[Array, Gradients]:
            return self._backward(dy, x, image, lease, hidden)

        return y, pull

    def _hidden_image(self, x: Array) -> Array:
        shape = (len(x), self.n_hidden, *x.shape[2:])
        return zeros_with_margin(x, shape, self.inner_margin)

    def _forward(self, x, image, second) -> Array:
        padded_x, y = self.padded(x), self.zeros(x, self.n_out)
        for tile in steps(self.tiles(x)):
            h1 = scratch("h1", (self.n_hidden, n_columns(tile, x.shape[2:])), x)
            self.first_hidden(padded_x, tile, h1)
            self._store(h1, tile, image)
        for i, tile in steps(enumerate(self.tiles(x))):
            h2 = second(i, tile)
            columns = self._inner_columns(image, tile, "columns of h1", bias=True)
            self.xp.matmul(self.second, columns, out=h2)
            self.activation.forward_in_place(h2)
            self.add_output(h2, tile, y)
        return y

    def _backward(self, dy, x, image, lease, hidden):
        sums, dimage = Sums(), self._hidden_image(x)
        padded_dy = self.padded(dy)
        for i, tile in steps(enumerate(self.tiles(x))):
            (h2,) = hidden[i]
            da2 = scratch("da2", h2.shape, x)
            self.second_cotangent(padded_dy, tile, h2, sums, da2)
            columns = self._inner_columns(image, tile, "columns of h1", bias=True)
            sums.add(1, da2, columns.T)
            self._store(da2, tile, dimage)
        padded_x, dx = self.padded(x), self.zeros(x, self.n_in)
        adjoint = self._adjoint_of_second()
        for tile in steps(self.tiles(x)):
            da1 = self._first_cotangent(adjoint, dimage, image, tile)
            columns = self.columns(
                padded_x, tile, self.margin, "columns of x", bias=True
            )
            sums.add(0, da1, columns.T)
            self.add_input_cotangent(da1, tile, dx)
        return dx, self.gradients(sums)

    def _first_cotangent(self, adjoint, dimage, image, tile) -> Array:
        columns = self._inner_columns(dimage, tile, "columns of h1", bias=False)
        shape = (self.n_hidden, columns.shape[1])
        h1, da1 = scratch("h1", shape, columns), scratch("da1", shape, columns)
        self.xp.matmul(adjoint, columns, out=da1)
        by_pixel = self._on_tile(image, tile)
        h1.reshape(by_pixel.shape)[...] = by_pixel
        return self.activation.vjp_in_place(da1, h1)

    def _adjoint_of_second(self) -> Array:
        """W2 with its channels exchanged and its taps reversed, as a matrix."""
        taps = self.second[:, :-1].reshape(self.n_hidden, self.n_hidden, -1)
        return taps.swapaxes(0, 1)[:, :, ::-1].reshape(self.n_hidden, -1)

    def _inner_columns(self, image, tile, role, *, bias) -> Array:
        return self.columns(image, tile, self.inner_margin, role, bias=bias)

    def _on_tile(self, image: Array, tile: Tile) -> Array:
        """View ``(n_hidden, n_samples, n_rows, ...)`` of a tile, without margin."""
        samples, rows = tile
        return interior(image, self.inner_margin)[samples, :, rows].swapaxes(0, 1)

    def _store(self, hidden: Array, tile: Tile, image: Array) -> None:
        view = self._on_tile(image, tile)
        view[...] = hidden.reshape(view.shape)
