"""The block of `streamed_block` on vectors: three products with their activations.

Vectors ``(N, C)`` need neither columns nor tiles. What remains is to write in place.
"""

from __future__ import annotations

from .._types import Array
from ..backend import get_array_module
from .activation_layers import Activation
from .streamed_block import Gradients, Pull


class VectorBlock:
    """See `StreamedBlock`; ``w1``, ``w2`` and ``w3`` are matrices.

    A gradient holds both hidden states of the batch.
    """

    def __init__(self, w1, b1, w2, b2, w3, activation: Activation):
        xp = get_array_module(w1)
        self.w1, self.b1, self.b2, self.w3 = w1, b1, b2, w3
        self.w2 = w2 + xp.eye(len(w2), dtype=w2.dtype)  # With the skip.
        self.activation = activation

    def forward(self, x: Array) -> Array:
        """Return y of shape (N, n_out)."""
        return self._hidden(x)[1] @ self.w3

    def linearize(self, x: Array) -> tuple[Array, Pull]:
        """Return y, and the function that pulls its cotangent back."""
        h1, h2 = self._hidden(x)

        def pull(dy: Array) -> tuple[Array, Gradients]:
            return self._backward(dy, x, h1, h2)

        return h2 @ self.w3, pull

    def _hidden(self, x):
        h1 = x @ self.w1.T
        h1 += self.b1
        h1 = self.activation.forward_in_place(h1)
        h2 = h1 @ self.w2.T
        h2 += self.b2
        return h1, self.activation.forward_in_place(h2)

    def _backward(self, dy, x, h1, h2):
        vjp = self.activation.vjp_in_place
        da2 = vjp(dy @ self.w3.T, h2)
        da1 = vjp(da2 @ self.w2, h1)
        gradients = Gradients(
            da1.T @ x, da1.sum(axis=0), da2.T @ h1, da2.sum(axis=0), h2.T @ dy
        )
        return da1 @ self.w1, gradients
