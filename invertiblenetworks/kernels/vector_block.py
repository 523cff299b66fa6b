"""The block of `streamed_block` on vectors: three products with their activations.

Vectors ``(N, C)`` need no windows and no tiles. Hidden states are matrices with a
column for each vector, and as in `streamed_pointwise` a bias is the weight of one more
row, of ones.
"""

from __future__ import annotations

from .._types import Array
from ..backend import get_array_module
from .activation_layers import Activation
from .streamed_block import Gradients, Pull, add_skip, with_column
from .workspace import Lease, scratch


class VectorBlock:
    """See `streamed_block`; ``w1``, ``w2`` and ``w3`` are matrices.

    A gradient holds both hidden states of the batch.
    """

    def __init__(self, w1, b1, w2, b2, w3, activation: Activation):
        self.w1, self.b1, self.w2, self.b2, self.w3 = w1, b1, w2, b2, w3
        self.n_hidden = len(w1)
        self.activation = activation

    def forward(self, x: Array) -> Array:
        """Return y of shape (N, n_out)."""
        h1 = scratch("h1", (self.n_hidden + 1, len(x)), x)
        h2 = scratch("h2", (self.n_hidden, len(x)), x)
        return self._forward(x, h1, h2)

    def linearize(self, x: Array) -> tuple[Array, Pull]:
        """Return y, and the function that pulls its cotangent back."""
        n = self.n_hidden
        lease = Lease((2 * n + 1, len(x)), x)
        h1, h2 = lease.array[: n + 1], lease.array[n + 1 :]
        y = self._forward(x, h1, h2)

        def pull(dy: Array) -> tuple[Array, Gradients]:
            return self._backward(dy, x, lease, h1[:-1], h2)

        return y, pull

    def _forward(self, x, h1, h2):
        xp, phi = get_array_module(x), self.activation.forward_in_place
        columns = scratch("columns of x", (x.shape[1] + 1, len(x)), x)
        columns[:-1] = x.T
        columns[-1] = 1
        xp.matmul(_with_column("first", self.w1, self.b1), columns, out=h1[:-1])
        phi(h1[:-1])
        h1[-1] = 1
        second = _with_column("second", self.w2, self.b2)
        add_skip(second)
        xp.matmul(second, h1, out=h2)
        phi(h2)
        return (self.w3.T @ h2).T

    def _backward(self, dy, x, lease, h1, h2):
        xp, vjp = get_array_module(x), self.activation.vjp_in_place
        da2 = xp.matmul(self.w3, dy.T, out=scratch("da2", h2.shape, x))
        vjp(da2, h2)
        da1 = xp.matmul(self.w2.T, da2, out=scratch("da1", h2.shape, x))
        da1 += da2
        vjp(da1, h1)
        ones = xp.ones(len(x), x.dtype)  # A product sums faster than a sum does.
        gradients = Gradients(da1 @ x, da1 @ ones, da2 @ h1.T, da2 @ ones, h2 @ dy)
        return (self.w1.T @ da1).T, gradients


def _with_column(role: str, w: Array, b: Array) -> Array:
    """The matrix with one more column, in scratch memory."""
    return with_column(w, b, scratch(role, (len(w), w.shape[1] + 1), w))
