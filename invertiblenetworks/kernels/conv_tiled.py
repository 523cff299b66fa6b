"""Convolutions as matrix products over tiles of pixels, in plain array code.

A convolution multiplies its weights with columns gathered from the source images, or
multiplies first and adds the resulting columns to the target images. The copying
grows with the channels on the side of the columns, so that is the side with fewer
values. Where both have as many, each takes a part: columns are gathered for the taps
of all axes but the first, and the product has rows for the taps of the first, which
are added. That copies 3 + 3 times where either side alone would copy 9 times (or
9 + 3 times instead of 27, in three dimensions), and makes the product a square one.

Tiles bound the memory that columns take and keep them in the cache from the copy to
the product.
"""

from __future__ import annotations

import math
from functools import partial

from .._types import Array, Shape
from ..backend import get_array_module, has_cuda_kernels
from . import conv_cuda, shifted_correlation, workers
from .compiled import convolution
from .conv_cuts import (
    axes_after,
    multiplications,
    samples_of_correlation,
    strips,
    tiles_of_correlation,
    tiles_of_transform,
    worth,
)
from .memory import steps
from .patches import Columns, Geometry, scatter_add
from .product_sum import ProductSum
from .products import multiply
from .workspace import empty_gradient, scratch_matrix


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
    xp, (_, n_target, n_source) = get_array_module(images), matrices.shape
    shape = (len(images), n_target, *geometry.target)
    if len(images) == 0:
        return xp.zeros(shape, images.dtype)
    if _runs_in_cuda(images, geometry):
        return conv_cuda.transform(images, matrices, geometry)
    if geometry.is_pointwise:
        return _multiply_pixels(images, matrices[0])
    if compiled := convolution.functions_for(images, geometry):
        result = xp.empty(shape, images.dtype)
        arguments = (compiled, images, matrices, geometry, result)
        convolution.transform(*arguments, adds=False)
        return result
    n_axes = axes_after(n_source, n_target, geometry)
    result = (xp.zeros if n_axes else xp.empty)(shape, images.dtype)
    _apply(images, matrices, geometry, n_axes, result, adds=n_axes > 0)
    return result


def add_transform(
    images: Array, matrices: Array, geometry: Geometry, result: Array
) -> None:
    """Add `transform` to images ``(N, C_target, *target)`` in place.

    Their pixels have no gaps, samples and channels may have.
    """
    if compiled := convolution.functions_for(images, geometry):
        arguments = (compiled, images, matrices, geometry, result)
        convolution.transform(*arguments, adds=True)
        return
    n_axes = axes_after(matrices.shape[2], matrices.shape[1], geometry)
    _apply(images, matrices, geometry, n_axes, result, adds=True)


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
    n_fixed, n_moved = fixed.shape[1], moved.shape[1]
    if len(fixed) == 0:
        shape = (geometry.n_taps, n_fixed, n_moved)
        return get_array_module(fixed).zeros(shape, fixed.dtype)
    if _runs_in_cuda(fixed, geometry):
        return conv_cuda.correlate(fixed, moved, geometry)
    if compiled := convolution.functions_for(moved, geometry):
        return convolution.correlate(compiled, fixed, moved, geometry)
    n_values = (n_fixed + n_moved) * math.prod(geometry.target)
    if geometry.is_pointwise and n_fixed * n_moved <= n_values:
        return _correlate_pointwise(fixed, moved)
    on_both_sides = 0 < axes_after(n_moved, n_fixed, geometry) < len(geometry.kernel)
    if on_both_sides and shifted_correlation.pays(fixed, moved, geometry):
        return _correlate_shifted(fixed, moved, geometry)
    return _gather_then_correlate(fixed, moved, geometry)


def by_tap(w: Array) -> Array:
    """View kernels ``(C_out, C_in, *kernel)`` as one matrix per tap."""
    return w.reshape(*w.shape[:2], -1).transpose(2, 0, 1)


def from_taps(matrices: Array, shape: Shape) -> Array:
    """Make kernels of this shape of one matrix per tap, or view these as kernels."""
    in_order = matrices.transpose(1, 2, 0)
    if in_order.flags.c_contiguous:
        return in_order.reshape(shape)
    kernels = empty_gradient(shape, matrices)
    by_tap(kernels)[...] = matrices
    return kernels


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

    n_threads = worth(result.size * n_source, images)
    workers.for_shares(n_samples, n_threads, on_samples)
    return result.reshape(n_samples, n_target, *spatial)


def _runs_in_cuda(images: Array, geometry: Geometry) -> bool:
    return has_cuda_kernels(get_array_module(images)) and max(geometry.stride) == 1


def _apply(images, matrices, geometry, n_axes, result, *, adds) -> None:
    """Write or add `transform` to the result, with taps of ``n_axes`` added last."""
    before, after = geometry.cut(n_axes)
    matrix = _by_side(matrices, before, after)
    n_threads = worth(multiplications(images, matrices.shape[1], geometry), images)
    halo = after.kernel[0] - 1
    shares = strips(len(result), geometry.target[0], halo, n_threads)
    task = partial(_on_strips, images, matrix, before, after, result, adds)
    workers.run([partial(task, share) for share in shares])


def _by_side(matrices, before, after) -> Array:
    """One matrix with rows ``(taps after, C_target)``, columns ``(before, C_source)``.

    It is in Fortran order. The taps after are those of the first axes, which come first
    in ``matrices``.
    """
    _, n_target, n_source = matrices.shape
    split = matrices.reshape(after.n_taps, before.n_taps, n_target, n_source)
    columns = before.n_taps * n_source
    return split.transpose(1, 3, 0, 2).reshape(columns, after.n_taps * n_target).T


def _on_strips(images, matrix, before, after, result, adds, share) -> None:
    columns, writes = Columns(images, "columns"), after.is_pointwise and not adds
    for samples, rows in share:
        source, onto = images[samples], after.onto_rows(rows)
        for tile in _middle_tiles(source, before, onto, len(matrix), writes):
            flat = _source_columns(source, tile, before, columns)
            if writes:
                _write_product(matrix, flat, _part(result[samples], tile))
            else:
                target = result[samples, :, rows]
                _add_product(matrix, flat, target, tile, onto)


def _part(images, tile) -> Array:
    """View a tile of images, channels first."""
    samples, rows = tile
    return images[samples, :, rows].swapaxes(0, 1)


def _source_columns(images, tile, before, columns) -> Array:
    """Columns ``(taps * C, pixels)`` for a tile of the images between the two maps."""
    samples, rows = tile
    if before.rows_stay:
        # Positions on the first axis stay: all tiles have the same zeros beyond edges.
        before = before.of_rows(rows.stop - rows.start)
        if before.is_pointwise:
            return _part(images, tile).reshape(images.shape[1], -1)
        images = images[samples, :, rows]
    else:
        images, before = images[samples], before.onto_rows(rows)
    gathered = columns.gather(images, before)
    return gathered.reshape(gathered.shape[0] * gathered.shape[1], -1)


def _write_product(matrix, columns, part) -> None:
    """Write the product with columns of a tile to this part of the result."""
    if part.shape[1] == 1:
        shape = (len(matrix), columns.shape[1])
        multiply(matrix, columns, out=part.reshape(shape))
    else:
        part[...] = _product(matrix, columns).reshape(part.shape)


def _product(matrix, columns) -> Array:
    product = scratch_matrix("product", len(matrix), columns.shape[1], columns)
    multiply(matrix, columns, out=product)
    return product


def _add_product(matrix, columns, result, tile, after) -> None:
    """Add the rows of the product, one for each tap after it, to the result."""
    samples, rows = tile
    product = _product(matrix, columns)
    n_samples, n_rows = samples.stop - samples.start, rows.stop - rows.start
    n_target, width = result.shape[1], after.source[1:]
    moved = product.reshape(after.n_taps, n_target, n_samples, n_rows, *width)
    scatter_add(moved, result[samples], after.from_rows(rows))


def _middle_tiles(images, before, after, n_rows_after, one_image):
    """Tiles of the images between two maps, of the rows that the second one needs."""
    needed = after.source_rows()
    if needed.start == needed.stop:
        return
    n_rows = before.n_taps * images.shape[1] + n_rows_after
    middle = (needed.stop - needed.start, *before.target[1:])
    all_tiles = tiles_of_transform(images, n_rows, middle, one_image=one_image)
    for samples, rows in steps(all_tiles):
        yield samples, slice(rows.start + needed.start, rows.stop + needed.start)


def _gather_then_correlate(fixed, moved, geometry) -> Array:
    n_fixed, n_moved = fixed.shape[1], moved.shape[1]
    before, after = geometry.cut(axes_after(n_moved, n_fixed, geometry))
    back = after.reversed()
    n_rows = before.n_taps * n_moved + after.n_taps * n_fixed
    one_image = before.is_pointwise or after.is_pointwise
    all_tiles = tiles_of_correlation(moved, n_rows, before.target, one_image=one_image)

    def on_tiles(share):
        total = ProductSum()
        right, left = Columns(moved, "columns"), Columns(fixed, "other columns")
        for tile in steps(all_tiles[share]):
            total.add(
                _source_columns(fixed, tile, back, left),
                _source_columns(moved, tile, before, right),
            )
        return total.of_shape((after.n_taps * n_fixed, before.n_taps * n_moved))

    n_threads = worth(multiplications(moved, n_fixed, geometry), moved)
    total = sum(workers.for_shares(len(all_tiles), n_threads, on_tiles))
    by_side = total.reshape(after.n_taps, n_fixed, before.n_taps, n_moved)
    return by_side.swapaxes(1, 2).reshape(-1, n_fixed, n_moved)


def _correlate_shifted(fixed, moved, geometry) -> Array:
    all_tiles = shifted_correlation.tiles_of(fixed, moved, geometry)

    def on_tiles(share):
        share = all_tiles[share]
        return shifted_correlation.correlate_tiles(fixed, moved, geometry, share)

    n_threads = worth(multiplications(moved, fixed.shape[1], geometry), moved)
    return sum(workers.for_shares(len(all_tiles), n_threads, on_tiles))


def _correlate_pointwise(fixed, moved) -> Array:
    fixed = fixed.reshape(*fixed.shape[:2], -1)
    moved = moved.reshape(*moved.shape[:2], -1).swapaxes(1, 2)
    n_entries = fixed.shape[1] * moved.shape[2]
    n_samples = samples_of_correlation(n_entries * fixed.dtype.itemsize)
    total = 0
    for start in steps(range(0, len(fixed), n_samples)):
        samples = slice(start, start + n_samples)
        total = total + (fixed[samples] @ moved[samples]).sum(axis=0)
    return total[None]
