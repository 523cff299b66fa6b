"""Convolutions that keep the size of images, compiled: windows are never all copied.

Both maps go through panels of pixels, of which each gathers the columns of its windows
while they are in the cache. A transform is one product for all taps; the result is
written once. Threads share the pixels, wherever samples begin and end.
"""

from __future__ import annotations

import numpy as np

from ..._types import Array
from ...backend import get_array_module
from .. import workers
from ..conv_cuts import multiplications
from ..patches import Geometry
from ..workspace import scratch
from .library import Functions, functions_of
from .shapes import Tile, pixels_without_gaps, shape_of

TILE_BYTES = 2**19
"""Bytes of the columns over whose pixels gradients are summed at a time."""


def functions_for(images: Array, geometry: Geometry) -> Functions | None:
    """Return the compiled functions for a map of these images, if there are any."""
    keeps_size = (
        geometry.source == geometry.target
        and set(geometry.stride) == {1}
        and all(
            k == 2 * pad + 1
            for k, pad in zip(geometry.kernel, geometry.pad, strict=True)
        )
    )
    if not keeps_size or geometry.is_pointwise or 0 in images.shape:
        return None
    return functions_of(images)


def transform(
    compiled: Functions,
    images: Array,
    matrices: Array,
    geometry: Geometry,
    result: Array,
    *,
    adds: bool,
) -> None:
    """Write to the result, or add, what `conv_tiled.transform` returns.

    Parameters
    ----------
    compiled : Functions
    images : array, shape (N, C_source, *spatial)
    matrices : array, shape (K, C_target, C_source)
    geometry : Geometry
        One that `functions_for` has functions for.
    result : array, shape (N, C_target, *spatial)
        Its pixels without gaps.
    adds : bool
    """
    xp, (_, n_target, _n_source) = get_array_module(images), matrices.shape
    images = pixels_without_gaps(images)
    assert pixels_without_gaps(result) is result
    n_parts = workers.n_parts(multiplications(images, n_target, geometry))
    shape = shape_of(images, result, geometry.kernel, n_parts=n_parts)
    size = compiled.memory_transform(shape)
    memory = scratch("compiled convolution", (size,), images)
    if geometry.reverse:
        matrices = matrices[::-1]
    of_tap, of_target, of_source = (s // matrices.itemsize for s in matrices.strides)
    strides = np.array([of_target, of_source, of_tap], np.int64)
    if xp is np:
        compiled.transform(shape, adds, strides, images, matrices, result, memory)


def correlate(
    compiled: Functions, fixed: Array, moved: Array, geometry: Geometry
) -> Array:
    """Return what `conv_tiled.correlate` does."""
    xp, (n_fixed, n_moved) = get_array_module(fixed), (fixed.shape[1], moved.shape[1])
    fixed, moved = pixels_without_gaps(fixed), pixels_without_gaps(moved)
    n_rows = n_moved * geometry.n_taps
    tile = Tile(TILE_BYTES, n_rows, compiled.width)
    n_parts = workers.n_parts(multiplications(moved, n_fixed, geometry))
    shape = shape_of(moved, fixed, geometry.kernel, tile=tile, n_parts=n_parts)
    memory = scratch("compiled convolution", (compiled.memory_correlate(shape),), moved)
    total = xp.empty((n_rows, n_fixed), moved.dtype)
    if xp is np:
        compiled.correlate(shape, fixed, moved, total, memory)
    by_tap = total.reshape(n_moved, geometry.n_taps, n_fixed).transpose(1, 2, 0)
    return by_tap[::-1] if geometry.reverse else by_tap
