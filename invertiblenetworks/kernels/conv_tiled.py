"""Convolutions as matrix products over tiles of pixels, in plain array code.

A convolution multiplies a matrix of weights with columns gathered from its source,
or multiplies first and adds the resulting columns to its target. Both give the same
result; the work beside the product grows with the channels on the side of the
columns, so that side is the one with fewer values. Tiles bound the memory of the
columns and keep them in the cache between copy and product.
"""

from __future__ import annotations

import math

from .._types import Array
from ..backend import get_array_module, has_cuda_kernels
from .patches import Columns, Geometry, scatter_add, tiles

HOST_BYTES = 2**20
"""Bytes of columns in one tile on the CPU, about its second-level cache."""

HOST_PIXELS = 1024
"""Pixels that make a product efficient: small images are grouped up to this."""

DEVICE_BYTES = 2**28
"""Bytes of columns in one tile on a GPU, enough to keep all of it busy."""


def transform(images: Array, matrices: Array, geometry: Geometry) -> Array:
    """Add up, over taps, one matrix ``(C_target, C_source)`` times moved images.

    Parameters
    ----------
    images : array, shape (N, C_source, *source)
    matrices : array, shape (K, C_target, C_source)
        One matrix per tap; any strides.
    geometry : Geometry
        What each tap joins.

    Returns
    -------
    array, shape (N, C_target, *target)
    """
    _, n_target, n_source = matrices.shape
    if geometry.is_pointwise:
        flat = images.reshape(*images.shape[:2], -1)
        product = get_array_module(images).matmul(matrices[0], flat)
        return product.reshape(len(images), n_target, *geometry.target)
    if columns_from_source(n_source, n_target, geometry):
        return _gather_then_multiply(images, matrices, geometry)
    return _multiply_then_scatter(images, matrices, geometry)


def correlate(fixed: Array, moved: Array, geometry: Geometry) -> Array:
    """Sum, over samples and pixels, ``fixed`` times ``moved`` shifted by each tap.

    Parameters
    ----------
    fixed : array, shape (N, C_target, *target)
    moved : array, shape (N, C_source, *source)
    geometry : Geometry
        What each tap joins.

    Returns
    -------
    array, shape (C_target, K, C_source)
    """
    xp = get_array_module(fixed)
    n_fixed, n_moved = fixed.shape[1], moved.shape[1]
    n_rows = geometry.n_taps * n_moved
    cut, columns = _tiles_and_columns(xp, moved, n_rows, n_fixed, geometry.target)
    total = xp.zeros((n_fixed, n_rows), fixed.dtype)
    for samples, rows in cut:
        tile = columns.gather(moved[samples], geometry.onto_rows(rows))
        other = fixed[samples, :, rows].swapaxes(0, 1).reshape(n_fixed, -1)
        total += other @ tile.reshape(n_rows, -1).T
    return total.reshape(n_fixed, geometry.n_taps, n_moved)


def columns_from_source(n_source: int, n_target: int, geometry: Geometry) -> bool:
    """True if columns of the source are no larger than columns of the target."""
    source, target = math.prod(geometry.source), math.prod(geometry.target)
    return n_source * target <= n_target * source


def _gather_then_multiply(images, matrices, geometry) -> Array:
    xp = get_array_module(images)
    n_taps, n_target, n_source = matrices.shape
    n_rows = n_taps * n_source
    matrix = matrices.swapaxes(0, 1).reshape(n_target, n_rows)
    result = xp.empty((len(images), n_target, *geometry.target), images.dtype)
    cut, columns = _tiles_and_columns(xp, images, n_rows, n_target, geometry.target)
    for samples, rows in cut:
        tile = columns.gather(images[samples], geometry.onto_rows(rows))
        flat, part = tile.reshape(n_rows, -1), result[samples, :, rows]
        if len(part) == 1:
            xp.matmul(matrix, flat, out=part.reshape(n_target, -1))
        else:
            product = (matrix @ flat).reshape(n_target, *tile.shape[2:])
            part[...] = product.swapaxes(0, 1)
    return result


def _multiply_then_scatter(images, matrices, geometry) -> Array:
    xp = get_array_module(images)
    n_taps, n_target, n_source = matrices.shape
    n_rows = n_taps * n_target
    matrix = matrices.reshape(n_rows, n_source)
    result = xp.zeros((len(images), n_target, *geometry.target), images.dtype)
    cut, columns = _tiles_and_columns(xp, images, n_rows, n_source, geometry.source)
    for samples, rows in cut:
        tile = images[samples, :, rows].swapaxes(0, 1)
        flat = tile.reshape(n_source, -1)
        product = xp.matmul(matrix, flat, out=columns.empty((n_rows, flat.shape[1])))
        product = product.reshape(n_taps, n_target, *tile.shape[1:])
        scatter_add(product, result[samples], geometry.from_rows(rows))
    return result


def _tiles_and_columns(xp, images, n_rows, n_others, spatial) -> tuple:
    """Tiles of the pixels that columns of ``n_rows`` rows cover, and their memory."""
    itemsize = images.dtype.itemsize
    if has_cuda_kernels(xp):
        n_pixels = max(1, DEVICE_BYTES // ((n_rows+n_others) * itemsize))
    else:
        n_pixels = max(HOST_PIXELS // 2, HOST_BYTES // ((n_rows+n_others) * itemsize))
        if math.prod(spatial) >= HOST_PIXELS: n_pixels=min(n_pixels, math.prod(spatial))
    cut = list(tiles(len(images), spatial, n_pixels))
    samples, rows = cut[0]  # the first tile is as large as any
    in_tile = (samples.stop - samples.start) * (rows.stop - rows.start)
    size = n_rows * in_tile * math.prod(spatial[1:])
    return cut, Columns(xp, size, images.dtype)
