"""The block of `streamed_block`, compiled: from images to images in one call.

Pixels are cut into panels of three vectors of the processor. Columns, both hidden
states and the products with the last weights of a panel follow each other in memory
that stays in the cache, and each product ends with bias and activation while its sums
are in registers. Threads share the pixels.

The arithmetic is in ``block_of_type.h``.
"""

from __future__ import annotations

import numpy as np

from ..._types import Array
from ...backend import get_array_module
from .. import workers
from ..streamed_block import Gradients, Pull
from ..workspace import Lease, empty_result, scratch
from .library import Functions
from .shapes import (
    Shape,
    as_given,
    as_images,
    n_pixels,
    panels_of_tile,
    pixels_without_gaps,
    shape_of,
)

TILE_BYTES = 2**18
"""Bytes of one hidden state over whose pixels gradients are summed at a time."""


class CompiledBlock:
    """See `streamed_block`. A gradient holds both hidden states of the batch.

    Parameters
    ----------
    w1, b1, w2, b2, w3 : array
        As for `streamed_pointwise`; on vectors without the axes of kernels.
    slope : float
        Of the activation for arguments below 0.
    functions : Functions
    """

    def __init__(self, w1, b1, w2, b2, w3, slope: float, functions: Functions):
        self.xp = get_array_module(w1)
        self.weights = [self.xp.ascontiguousarray(w) for w in (w1, w2, w3)]
        self.biases = [self.xp.ascontiguousarray(b) for b in (b1, b2)]
        self.n_weights = sum(w.size for w in self.weights)
        self.functions, self.slope = functions, slope

    def forward(self, x: Array) -> Array:
        return as_given(self._forward(as_images(x), None), x)

    def linearize(self, x: Array) -> tuple[Array, Pull]:
        images = as_images(x)
        lease = Lease((self.functions.n_states(self._shape(images, images)),), x)
        y = self._forward(images, lease.array)

        def pull(dy: Array) -> tuple[Array, Gradients]:
            dx, gradients = self._backward(as_images(dy), images, lease)
            return as_given(dx, x), gradients

        return as_given(y, x), pull

    def _forward(self, x, states) -> Array:
        x = pixels_without_gaps(x)
        n_out = self.weights[2].shape[1]
        y = empty_result((len(x), n_out, *x.shape[2:]), x)
        shape = self._shape(x, y)
        memory = self._memory(self.functions.memory_forward(shape), x)
        (w1, w2, w3), (b1, b2) = self.weights, self.biases
        if self.xp is np:  # else memory is planned
            arrays = (x, w1, b1, w2, b2, w3, y, states, memory)
            self.functions.forward(shape, *arrays, self.slope)
        return y

    def _backward(self, dy, x, lease):
        x, dy = pixels_without_gaps(x), pixels_without_gaps(dy)
        shape = self._shape(x, dy)
        memory = self._memory(self.functions.memory_backward(shape), x)
        (w1, w2, w3), (b1, b2) = self.weights, self.biases
        dx = self.xp.empty(x.shape, x.dtype)
        gradients = Gradients(*map(self.xp.empty_like, (w1, b1, w2, b2, w3)))
        if self.xp is np:
            arrays = (x, dy, w1, w2, w3, lease.array, dx, *gradients, memory)
            self.functions.backward(shape, *arrays, self.slope)
        return dx, gradients

    def _shape(self, x: Array, y: Array) -> Shape:
        w1, width = self.weights[0], self.functions.width
        margin = [size // 2 for size in w1.shape[2:]]
        n_panels = panels_of_tile(TILE_BYTES, len(w1), x, width)
        n_parts = workers.n_parts(n_pixels(x) * self.n_weights)
        return shape_of(x, y, margin, len(w1), n_panels, n_parts)

    def _memory(self, size: int, x: Array) -> Array:
        return scratch("compiled block", (size,), x)
