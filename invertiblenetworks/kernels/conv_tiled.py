"""Convolutions as matrix products over tiles of pixels, in plain array code.

A convolution multiplies its weights with columns gathered from the source images,
or multiplies first and adds the resulting columns to the target images. The result
is the same; the copying grows with the channels on the side of the columns, so that
is the side with fewer values. Tiles bound the memory that columns take and keep
them in the cache from the copy to the product.
"""

from __future__ import annotations

import math

from .._types import Array
from ..backend import get_array_module, has_cuda_kernels, on_host
from . import conv_cuda, workers
from .memory import in_tile, steps
from .patches import Columns, Geometry, Tile, scatter_add, tiles

HOST_BYTES = 2**19
"""Bytes of one tile on the CPU, a part of its second-level cache."""

LEAST_WORK = 2**22
"""Multiplications for which it does not pay to wake another thread."""

HOST_PIXELS = 512
"""Pixels that a tile has in any case, for the sake of the product."""


def transform(images: Array, matrices: Array, geometry: Geometry) -> Array:
    """Sum over taps of one matrix times the images moved by that tap.

    Parameters
    ----------
    images : array, shape (N, C_source, *source)
        Any strides.
    matrices : array, shape (K, C_target, C_source)
        One matrix per tap, any strides.
    geometry : Geometry
        The pixels that each tap joins.

    Returns
    -------
    array, shape (N, C_target, *target)
    """
    if _runs_in_cuda(images, geometry):
        return conv_cuda.transform(images, matrices, geometry)
    _, n_target, n_source = matrices.shape
    if geometry.is_pointwise:
        return _multiply_pixels(images, matrices[0])
    if columns_from_source(n_source, n_target, geometry):
        return _gather_then_multiply(images, matrices, geometry)
    return _multiply_then_scatter(images, matrices, geometry)


def correlate(fixed: Array, moved: Array, geometry: Geometry) -> Array:
    """Adjoint of `transform` in the matrices.

    Parameters
    ----------
    fixed : array, shape (N, C_target, *target)
        Cotangent of the result of `transform`.
    moved : array, shape (N, C_source, *source)
        The images.
    geometry : Geometry
        The pixels that each tap joins.

    Returns
    -------
    array, shape (K, C_target, C_source)
        With any strides.
    """
    if _runs_in_cuda(fixed, geometry):
        return conv_cuda.correlate(fixed, moved, geometry)
    n_fixed, n_moved = fixed.shape[1], moved.shape[1]
    n_values = (n_fixed + n_moved) * math.prod(geometry.target)
    if geometry.is_pointwise and n_fixed * n_moved <= n_values:
        return _correlate_pointwise(fixed, moved)
    return _gather_then_correlate(fixed, moved, geometry)


def columns_from_source(n_source: int, n_target: int, geometry: Geometry) -> bool:
    """True if columns of the source are no larger than columns of the target."""
    source, target = math.prod(geometry.source), math.prod(geometry.target)
    return n_source * target <= n_target * source


def _worth(images: Array, n_target: int, geometry: Geometry) -> int:
    """Number of threads that a convolution has work enough for."""
    if not on_host(get_array_module(images)):
        return 1
    n_pixels = min(math.prod(geometry.source), math.prod(geometry.target))
    n_values = len(images) * images.shape[1] * n_target
    return n_values * n_pixels * geometry.n_taps // LEAST_WORK


def _multiply_pixels(images, matrix) -> Array:
    xp, n_target = get_array_module(images), len(matrix)
    n_samples, n_source, *spatial = images.shape
    n_pixels = math.prod(spatial)
    if n_pixels == 1:
        # One product for all samples, where matmul would make one per sample.
        product = images.reshape(n_samples, n_source) @ matrix.T
        return product.reshape(n_samples, n_target, *spatial)
    result = xp.empty((n_samples, n_target, n_pixels), images.dtype)

    def on_samples(samples):
        flat = images[samples].reshape(-1, n_source, n_pixels)
        xp.matmul(matrix, flat, out=result[samples])

    worth = result.size * n_source // LEAST_WORK if on_host(xp) else 1
    workers.for_shares(n_samples, worth, on_samples)
    return result.reshape(n_samples, n_target, *spatial)


def _runs_in_cuda(images: Array, geometry: Geometry) -> bool:
    return has_cuda_kernels(get_array_module(images)) and max(geometry.stride) == 1


def _gather_then_multiply(images, matrices, geometry) -> Array:
    xp = get_array_module(images)
    n_taps, n_target, n_source = matrices.shape
    n_rows = n_taps * n_source
    matrix = matrices.swapaxes(0, 1).reshape(n_target, n_rows)
    result = xp.empty((len(images), n_target, *geometry.target), images.dtype)
    all_tiles = _tiles(images, n_rows + n_target, geometry.target)

    def on_tiles(share):
        columns = Columns(xp, images.dtype)
        for samples, rows in steps(all_tiles[share]):
            tile = columns.gather(images[samples], geometry.onto_rows(rows))
            flat, part = tile.reshape(n_rows, -1), result[samples, :, rows]
            if len(part) == 1:
                xp.matmul(matrix, flat, out=part.reshape(n_target, -1))
            else:
                product = (matrix @ flat).reshape(n_target, *tile.shape[2:])
                part[...] = product.swapaxes(0, 1)

    worth = _worth(images, n_target, geometry)
    workers.for_shares(len(all_tiles), worth, on_tiles)
    return result


def _multiply_then_scatter(images, matrices, geometry) -> Array:
    xp = get_array_module(images)
    n_taps, n_target, n_source = matrices.shape
    n_rows = n_taps * n_target
    matrix = matrices.reshape(n_rows, n_source)
    result = xp.zeros((len(images), n_target, *geometry.target), images.dtype)

    def on_samples(share):
        # Shared by samples: tiles of one image add to the same pixels.
        images_here, result_here = images[share], result[share]
        columns = Columns(xp, images.dtype)
        all_tiles = _tiles(images_here, n_rows + n_source, geometry.source)
        for samples, rows in steps(all_tiles):
            tile = images_here[samples, :, rows].swapaxes(0, 1)
            flat = tile.reshape(n_source, -1)
            room = columns.empty((n_rows, flat.shape[1]))
            product = xp.matmul(matrix, flat, out=room)
            product = product.reshape(n_taps, n_target, *tile.shape[1:])
            scatter_add(product, result_here[samples], geometry.from_rows(rows))

    worth = _worth(images, n_target, geometry)
    workers.for_shares(len(images), worth, on_samples)
    return result


def _gather_then_correlate(fixed, moved, geometry) -> Array:
    xp = get_array_module(fixed)
    n_fixed, n_moved = fixed.shape[1], moved.shape[1]
    n_rows = geometry.n_taps * n_moved
    all_tiles = _tiles(moved, n_rows + n_fixed, geometry.target)

    def on_tiles(share):
        total, columns = 0, Columns(xp, moved.dtype)
        for samples, rows in steps(all_tiles[share]):
            tile = columns.gather(moved[samples], geometry.onto_rows(rows))
            other = fixed[samples, :, rows].swapaxes(0, 1).reshape(n_fixed, -1)
            total = total + other @ tile.reshape(n_rows, -1).T
        return total

    worth = _worth(moved, n_fixed, geometry)
    total = sum(workers.for_shares(len(all_tiles), worth, on_tiles))
    return total.reshape(n_fixed, geometry.n_taps, n_moved).swapaxes(0, 1)


def _correlate_pointwise(fixed, moved) -> Array:
    fixed = fixed.reshape(*fixed.shape[:2], -1)
    moved = moved.reshape(*moved.shape[:2], -1).swapaxes(1, 2)
    n_entries = fixed.shape[1] * moved.shape[2]
    n_samples = max(1, HOST_BYTES // (n_entries * fixed.dtype.itemsize))
    total = 0
    for start in steps(range(0, len(fixed), n_samples)):
        samples = slice(start, start + n_samples)
        total = total + (fixed[samples] @ moved[samples]).sum(axis=0)
    return total[None]


def _tiles(images, n_rows, spatial) -> tuple[Tile, ...]:
    """Tiles of ``spatial`` for products with together ``n_rows`` rows per pixel."""
    xp = get_array_module(images)
    row_bytes = n_rows * images.dtype.itemsize
    if has_cuda_kernels(xp):
        n_pixels = conv_cuda.DEVICE_BYTES // row_bytes
    else:
        n_pixels = in_tile(max(HOST_PIXELS, HOST_BYTES // row_bytes))
        if math.prod(spatial) >= HOST_PIXELS:
            # Only one image: its product goes to the result without another copy.
            n_pixels = min(n_pixels, math.prod(spatial))
    return tiles(len(images), spatial, n_pixels)
