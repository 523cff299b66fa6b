"""Windows of images as columns of a matrix, tile by tile.

A convolution that keeps the size of an image is a product of its weights with columns:
column ``t`` holds the window of pixels around pixel ``t``, from all channels. The rows
are in the order ``(channel, tap)`` of the weights themselves. Images with a margin of
zeros make every window one strided view, so that columns are one copy.

Images here are ``(N, C, *spatial)`` with one to three spatial axes, kernels have an
odd size ``2 margin + 1`` on each axis, and a tile is a pair of slices, of the samples
and of the rows (`patches.Tile`).
"""

from __future__ import annotations

import itertools
import math

from .._types import Array, Shape
from ..backend import get_array_module
from .patches import Tile


def with_margin(images: Array, margin: int) -> Array:
    """Copy images into the middle of zeros; the images themselves if no margin."""
    if margin == 0:
        return images
    padded = zeros_with_margin(images, images.shape, margin)
    interior(padded, margin)[...] = images
    return padded


def zeros_with_margin(like: Array, shape: Shape, margin: int) -> Array:
    """Zeros for images of this shape and their margin, of the type of ``like``."""
    n_samples, n_channels, *spatial = shape
    sizes = [size + 2 * margin for size in spatial]
    return get_array_module(like).zeros((n_samples, n_channels, *sizes), like.dtype)


def interior(padded: Array, margin: int) -> Array:
    """View of images without their margin."""
    if margin == 0:
        return padded
    inside = (slice(margin, -margin),) * (padded.ndim - 2)
    return padded[(..., *inside)]


def tile_windows(padded: Array, tile: Tile, margin: int) -> Array:
    """View of the windows around the pixels of a tile.

    Parameters
    ----------
    padded : array, shape (N, C, *padded spatial)
        Images with their margin.
    tile : pair of slices
        Samples, and rows without margin.
    margin : int
        Half the size of a window, rounded down.

    Returns
    -------
    array, shape (C, *kernel, n_samples, n_rows, *rest of spatial)
        A view that overlaps itself: for reading only.
    """
    samples, rows = tile
    kernel = (2 * margin + 1,) * (padded.ndim - 2)
    sizes = [size - 2 * margin for size in padded.shape[3:]]
    part = padded[samples, :, rows.start :]
    sample_stride, channel_stride, *strides = part.strides
    return get_array_module(padded).lib.stride_tricks.as_strided(
        part,
        (part.shape[1], *kernel, len(part), rows.stop - rows.start, *sizes),
        (channel_stride, *strides, sample_stride, *strides),
    )


def n_columns(tile: Tile, spatial: Shape) -> int:
    """Number of pixels in a tile."""
    samples, rows = tile
    n_rows = (samples.stop - samples.start) * (rows.stop - rows.start)
    return n_rows * math.prod(spatial[1:])


def gather(padded: Array, tile: Tile, margin: int, columns: Array) -> None:
    """Copy the windows of a tile to columns ``(C * taps, n_columns)``."""
    windows = tile_windows(padded, tile, margin)
    columns.reshape(windows.shape)[...] = windows


def scatter_add(columns: Array, tile: Tile, margin: int, padded: Array) -> None:
    """Add columns to the windows of a tile, in place: the adjoint of `gather`."""
    samples, rows = tile
    sizes = [size - 2 * margin for size in padded.shape[3:]]
    kernel = (2 * margin + 1,) * (padded.ndim - 2)
    part = padded[samples].swapaxes(0, 1)
    n_channels, n_samples = part.shape[:2]
    n_rows = rows.stop - rows.start
    columns = columns.reshape(n_channels, *kernel, n_samples, n_rows, *sizes)
    for tap in itertools.product(*map(range, kernel)):
        start = (rows.start + tap[0], *tap[1:])
        ends = zip(start, (n_rows, *sizes), strict=True)
        moved = tuple(slice(first, first + size) for first, size in ends)
        part[(..., *moved)] += columns[(slice(None), *tap)]
