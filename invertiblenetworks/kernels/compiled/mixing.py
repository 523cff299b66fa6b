"""Affine maps of the channels of every pixel, compiled: see `kernels/mixing.py`.

A panel of pixels is read, multiplied, and written, or summed over, while it is in the
cache. Threads share the pixels, wherever samples begin and end.
"""

from __future__ import annotations

import numpy as np

from ..._types import Array
from ...backend import get_array_module
from .. import workers
from ..channels import empty_state
from ..workspace import scratch
from .library import Functions
from .shapes import (
    Tile,
    as_images,
    n_pixels,
    pixels_without_gaps,
    shape_of,
)

TILE_BYTES = 2**18
"""Bytes of an array over whose pixels gradients are summed at a time."""

TIMES_LATER = 4
"""How many times more work than in a block it takes to share it. Shared as early, deep
networks held half a per cent more memory, and took two per cent less time at most."""


def mix(compiled: Functions, matrix: Array, offset: Array, x: Array) -> Array:
    """Return what `mixing.mix` does."""
    xp, y = get_array_module(x), empty_state(x)
    matrix, offset = _without_gaps(matrix), xp.ascontiguousarray(offset)
    images, result = pixels_without_gaps(as_images(x)), as_images(y)
    shape = shape_of(images, result, n_parts=_n_parts(images))
    memory = scratch("compiled mixing", (compiled.memory_mix(shape),), x)
    if xp is np:
        arrays = (matrix, offset, images, result, memory)
        compiled.mix(shape, *_strides(matrix), *arrays)
    return y


def mix_and_correlate(
    compiled: Functions,
    of_value: tuple[Array, Array],
    of_cotangent: Array,
    value: Array,
    cotangent: Array,
) -> tuple[Array, Array, Array, Array]:
    """Return what `mixing.mix_and_correlate` does."""
    xp, x, dx = get_array_module(value), empty_state(value), empty_state(value)
    matrix, of_cotangent = map(_without_gaps, (of_value[0], of_cotangent))
    offset, k = xp.ascontiguousarray(of_value[1]), len(matrix)
    y, dy = (pixels_without_gaps(as_images(a)) for a in (value, cotangent))
    tile = Tile(TILE_BYTES, k, compiled.width)
    shape = shape_of(y, dy, tile=tile, n_parts=_n_parts(y))
    memory = scratch("compiled mixing", (compiled.memory_mix_back(shape),), y)
    gram, total = xp.empty((k, k), y.dtype), xp.empty(k, y.dtype)
    if xp is np:
        strides = (*_strides(matrix), *_strides(of_cotangent))
        arrays = (matrix, offset, of_cotangent, y, dy, x, dx, gram, total, memory)
        compiled.mix_back(shape, *strides, *arrays)
    return x, dx, gram, total


def _n_parts(images):
    k = images.shape[1]
    n_multiplications = n_pixels(images) * k * (k + workers.PER_NUMBER)
    return workers.n_parts(n_multiplications // TIMES_LATER)


def _without_gaps(matrix):
    """A matrix whose rows or columns have no gaps, nor gaps between them."""
    if matrix.dtype.itemsize in matrix.strides:
        return matrix
    return get_array_module(matrix).ascontiguousarray(matrix)


def _strides(matrix):
    """Steps from row to row and from column to column, in numbers."""
    (of_row, of_column), itemsize = matrix.strides, matrix.dtype.itemsize
    return of_row // itemsize, of_column // itemsize
