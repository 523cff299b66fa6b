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

import functools
import math

import numpy as np

from .._types import Array, Shape
from ..backend import get_array_module
from .patches import Tile
from .workspace import row_length, scratch


def with_margin(images: Array, margin: int) -> Array:
    """Copy images into the middle of zeros; the images themselves if no margin."""
    if margin == 0:
        return images
    n_samples, n_channels, *spatial = images.shape
    shape = (n_samples, n_channels, *(size + 2 * margin for size in spatial))
    padded = get_array_module(images).zeros(shape, images.dtype)
    inside = (slice(margin, -margin),) * len(spatial)
    padded[(..., *inside)] = images
    return padded


def tile_windows(padded: Array, tile: Tile, margin: int) -> Array:
    """View of the windows around the pixels of a tile.

    Parameters
    ----------
    padded : array, shape (N, C, *padded spatial)
        Images with their margin, without gaps in memory.
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
    n_samples, n_rows = samples.stop - samples.start, rows.stop - rows.start
    sample_stride, channel_stride, *strides = padded.strides
    return strided(
        padded,
        samples.start * sample_stride + rows.start * strides[0],
        (padded.shape[1], *kernel, n_samples, n_rows, *sizes),
        (channel_stride, *strides, sample_stride, *strides),
    )


def strided(memory: Array, offset: int, shape: Shape, strides: Shape) -> Array:
    """View of an array without gaps, from an offset in bytes on."""
    if type(memory) is np.ndarray:
        # A tenth of the time of ``as_strided``, which checks and wraps much more.
        return np.ndarray(shape, memory.dtype, memory, offset, strides)
    start = memory.reshape(-1)[offset // memory.dtype.itemsize :]
    as_strided = get_array_module(memory).lib.stride_tricks.as_strided
    return as_strided(start, shape, strides)


def n_columns(tile: Tile, spatial: Shape) -> int:
    """Number of pixels in a tile."""
    samples, rows = tile
    n_rows = (samples.stop - samples.start) * (rows.stop - rows.start)
    return n_rows * math.prod(spatial[1:])


def gather(padded: Array, tile: Tile, margin: int, columns: Array) -> None:
    """Copy the windows of a tile to columns ``(C * taps, n_columns)``."""
    if margin == 0:
        samples, rows = tile
        windows = padded[samples, :, rows].swapaxes(0, 1)
    else:
        windows = tile_windows(padded, tile, margin)
    columns.reshape(windows.shape)[...] = windows


class Scatter:
    """Room for columns of a tile that are to be added to its windows.

    The adjoint of `gather`. Within the tile a tap is a shift of the flat pixels; so
    the sum over taps is one reduction over a view that overlaps itself, once the
    entries that would land outside of the image are zero.

    Parameters
    ----------
    n_channels : int
        Channels of the images.
    tile : pair of slices
    spatial : tuple of int
        Spatial shape of the images.
    margin : int
        As for `gather`.
    like : array
        Gives the type.

    Attributes
    ----------
    columns : array, shape (n_channels * taps, n_columns)
        To be written before `add_to`.
    """

    def __init__(
        self, n_channels: int, tile: Tile, spatial: Shape, margin: int, like: Array
    ):
        samples, rows = tile
        n_samples, n_rows = samples.stop - samples.start, rows.stop - rows.start
        self.tile, self.n_channels = tile, n_channels
        self.shifts = _shifts((n_samples, n_rows), tuple(spatial), margin)
        length, reach = self.shifts.length, self.shifts.reach
        # The columns begin with a line of the cache, so there may be more room before.
        before = row_length(reach, like)
        width = row_length(before + length + reach, like)
        room = scratch("columns to add", (n_channels * self.shifts.n_taps, width), like)
        room[:, :before] = 0
        room[:, before + length :] = 0
        self._room, self._unused = room, before - reach
        self.columns = room[:, before : before + length]

    def add_to(self, images: Array) -> None:
        """Add the columns to images ``(N, C, *spatial)``, in place."""
        shifts, (samples, rows) = self.shifts, self.tile
        by_tap = self.columns.reshape(-1, *shifts.by_tap)
        for place in shifts.outside:
            by_tap[place] = 0
        total = self._sum_over_taps()
        if shifts.is_whole:
            part = images[samples]
            part += total.reshape(-1, *shifts.pixels).swapaxes(0, 1)
            return
        first, last = rows.start - shifts.margin, rows.stop + shifts.margin
        total = total.reshape(len(total), last - first, *shifts.pixels[2:])
        inside = slice(max(first, 0), min(last, images.shape[2]))
        part = images[samples.start, :, inside]
        part += total[:, inside.start - first : inside.stop - first]

    def _sum_over_taps(self) -> Array:
        shifts, (row, number) = self.shifts, self._room.strides
        if shifts.n_taps == 1:
            return self.columns
        shifted = strided(
            self._room,
            (self._unused + shifts.start) * number,
            (self.n_channels, *shifts.kernel, shifts.length + 2 * shifts.spill),
            (
                shifts.n_taps * row,
                *(rows * row - step * number for rows, step in shifts.tap_strides),
                number,
            ),
        )
        return shifted.sum(axis=shifts.tap_axes)


class _Shifts:
    """What a `Scatter` needs to know of a tile, the same for all tiles of a shape.

    Parameters
    ----------
    tile_shape : (int, int)
        Samples and rows.
    spatial : tuple of int
    margin : int

    Attributes
    ----------
    pixels : tuple of int
        Shape of the tile, ``(n_samples, n_rows, *rest of spatial)``.
    length, n_taps : int
        Number of pixels, and of taps.
    is_whole : bool
        Whether it has all rows of its samples.
    spill : int
        Flat pixels before and after those of the tile, where windows reach.
    reach : int
        The same, and those that are read beyond.
    by_tap : tuple of int
        Shape of the columns of one channel.
    outside : list of tuple
        Indices of what would land outside of the image.
    tap_strides : list of (int, int)
        For each axis of the kernel how many rows, and how many flat pixels, a tap is
        from the next.
    start : int
        Where the first tap begins, whose shift is the most negative.
    """

    def __init__(self, tile_shape: tuple[int, int], spatial: Shape, margin: int):
        self.margin, n_axes = margin, len(spatial)
        self.kernel = (2 * margin + 1,) * n_axes
        self.n_taps = math.prod(self.kernel)
        self.tap_axes = tuple(range(1, 1 + n_axes))
        self.pixels = (*tile_shape, *spatial[1:])
        self.length = math.prod(self.pixels)
        self.by_tap = (*self.kernel, *self.pixels)
        self.is_whole = tile_shape[1] == spatial[0]
        steps = [math.prod(spatial[axis:]) for axis in range(1, n_axes + 1)]
        self.tap_strides = [
            (math.prod(self.kernel[axis + 1 :]), step)
            for axis, step in enumerate(steps)
        ]
        self.spill = 0 if self.is_whole else margin * steps[0]
        self.reach = self.spill + margin * sum(steps)
        self.start = self.reach - self.spill + margin * sum(steps)
        self.outside = [
            self._edge(axis, tap)
            for axis in range(0 if self.is_whole else 1, n_axes)
            for tap in range(2 * margin + 1)
            if tap != margin
        ]

    def _edge(self, axis: int, tap: int) -> tuple[slice | int, ...]:
        """Index of the pixels that a tap moves over the edge of an axis."""
        shift, n_axes = tap - self.margin, len(self.kernel)
        place: list[slice | int] = [slice(None)] * (2 + 2 * n_axes)
        place[1 + axis] = tap
        edge = slice(0, -shift) if shift < 0 else slice(-shift, None)
        place[2 + n_axes + axis] = edge
        return tuple(place)


_shifts = functools.lru_cache(maxsize=256)(_Shifts)
