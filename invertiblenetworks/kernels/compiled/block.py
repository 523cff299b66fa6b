"""The block of `streamed_block`, compiled: from images to images in one call.

Pixels are cut into panels of three vectors of the processor. Columns, both hidden
states and the products with the last weights of a panel follow each other in memory
that stays in the cache. Each product ends with the bias while its sums are in
registers, and with an activation of two slopes; a smooth one follows. Threads share the
pixels.

The arithmetic is in ``block_of_type.h``.
"""

from __future__ import annotations

import numpy as np

from ..._types import Array
from ...backend import get_array_module
from .. import workers
from ..activation_base import Activation
from ..streamed_block import Gradients, Pull
from ..workspace import Lease, empty_gradient, empty_result, scratch
from .library import Functions
from .shapes import (
    Shape,
    Tile,
    as_given,
    as_images,
    n_pixels,
    pixels_without_gaps,
    shape_of,
)

TILE_BYTES = 2**18
"""Bytes of one hidden state over whose pixels gradients are summed at a time."""

ACTIVATIONS = ("two_slopes", "tanh", "logistic", "softplus")
"""Kinds of activations."""


class CompiledBlock:
    """See `streamed_block`. A gradient holds both hidden states of the batch.

    Parameters
    ----------
    w1, b1, w2, b2, w3 : array
        As for `streamed_pointwise`; on vectors without the axes of kernels.
    activation : Activation
        One of `ACTIVATIONS`.
    functions : Functions
    """

    def __init__(
        self, w1, b1, w2, b2, w3, activation: Activation, functions: Functions
    ):
        self.xp = get_array_module(w1)
        self.weights = [self.xp.ascontiguousarray(w) for w in (w1, w2, w3)]
        self.n_weights = sum(w.size for w in self.weights)
        self.biases = [self.xp.ascontiguousarray(b) for b in (b1, b2)]
        self.functions, self.activation = functions, activation.compiled_as.words

    def forward(self, x: Array) -> Array:
        images, y, shape = self._images(x)
        self._forward(images, y, shape, None)
        return as_given(y, x)

    def linearize(self, x: Array) -> tuple[Array, Pull]:
        images, y, shape = self._images(x)
        lease = Lease((self.functions.n_states(shape),), x)
        self._forward(images, y, shape, lease.array)

        def pull(dy: Array) -> tuple[Array, Gradients]:
            # States are laid out part by part: their number stays as it was.
            dy = pixels_without_gaps(as_images(dy))
            of_dy = self._shape(images, dy, shape.n_parts)
            dx, gradients = self._backward(dy, images, of_dy, lease.array)
            return as_given(dx, x), gradients

        return as_given(y, x), pull

    def _images(self, x: Array) -> tuple[Array, Array, Shape]:
        """Return x as images, room for y, and their shape."""
        x, n_out = pixels_without_gaps(as_images(x)), self.weights[2].shape[1]
        y = empty_result((len(x), n_out, *x.shape[2:]), x)
        n_parts = workers.n_parts(n_pixels(x) * self.n_weights)
        return x, y, self._shape(x, y, n_parts)

    def _forward(self, x, y, shape, states) -> None:
        memory = self._memory(self.functions.memory_forward(shape), x)
        (w1, w2, w3), (b1, b2) = self.weights, self.biases
        if self.xp is np:  # else memory is planned
            arrays = (x, w1, b1, w2, b2, w3, y, states, memory)
            self.functions.forward(shape, *arrays, *self.activation)

    def _backward(self, dy, x, shape, states) -> tuple[Array, Gradients]:
        memory = self._memory(self.functions.memory_backward(shape), x)
        (w1, w2, w3), (b1, b2) = self.weights, self.biases
        dx = self.xp.empty(x.shape, x.dtype)
        parameters = (w1, b1, w2, b2, w3)
        gradients = Gradients(*(empty_gradient(p.shape, p) for p in parameters))
        if self.xp is np:
            arrays = (x, dy, w1, w2, w3, states, dx, *gradients, memory)
            self.functions.backward(shape, *arrays, *self.activation)
        return dx, gradients

    def _shape(self, x: Array, y: Array, n_parts: int) -> Shape:
        n_hidden, _, *kernel = self.weights[0].shape
        tile = Tile(TILE_BYTES, n_hidden, self.functions.width)
        return shape_of(x, y, kernel, n_hidden, tile, n_parts)

    def _memory(self, size: int, x: Array) -> Array:
        return scratch("compiled block", (size,), x)
