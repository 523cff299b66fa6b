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

import math

from .._types import Array, Shape
from ..backend import get_array_module
from .patches import Tile
from .workspace import scratch


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
        self.tile, self.margin = tile, margin
        self.whole = rows == slice(0, spatial[0])
        n_samples, n_rows = samples.stop - samples.start, rows.stop - rows.start
        self.pixels = (n_samples, n_rows, *spatial[1:])
        self.kernel = (2 * margin + 1,) * len(spatial)
        # How far apart neighbours on each axis are, in flat pixels.
        self.steps = [math.prod(spatial[axis:]) for axis in range(1, len(spatial) + 1)]
        # Rows before and after those of the tile, where windows reach.
        self.spill = 0 if self.whole else margin * self.steps[0]
        self.reach = self.spill + margin * sum(self.steps)
        length = math.prod(self.pixels)
        shape = (n_channels * math.prod(self.kernel), length + 2 * self.reach)
        self._room = scratch("columns to add", shape, like)
        self._room[:, : self.reach] = 0
        self._room[:, self.reach + length :] = 0
        self.columns = self._room[:, self.reach : self.reach + length]

    def add_to(self, images: Array) -> None:
        """Add the columns to images ``(N, C, *spatial)``, in place."""
        self._drop_what_lands_outside()
        total = self._sum_over_taps()
        samples, rows = self.tile
        if self.whole:
            part = images[samples]
            part += total.reshape(-1, *self.pixels).swapaxes(0, 1)
            return
        first, last = rows.start - self.margin, rows.stop + self.margin
        total = total.reshape(len(total), last - first, *self.pixels[2:])
        inside = slice(max(first, 0), min(last, images.shape[2]))
        part = images[samples.start, :, inside]
        part += total[:, inside.start - first : inside.stop - first]

    def _drop_what_lands_outside(self) -> None:
        by_tap = self.columns.reshape(-1, *self.kernel, *self.pixels)
        n_axes = len(self.kernel)
        for axis in range(0 if self.whole else 1, n_axes):
            for tap in range(2 * self.margin + 1):
                shift = tap - self.margin
                edge = slice(0, -shift) if shift < 0 else slice(-shift, None)
                if shift:
                    place = [slice(None)] * by_tap.ndim
                    place[1 + axis], place[2 + n_axes + axis] = tap, edge
                    by_tap[tuple(place)] = 0

    def _sum_over_taps(self) -> Array:
        xp, room = get_array_module(self._room), self._room
        taps = room.reshape(-1, *self.kernel, room.shape[1])
        channel, *tap_strides, pixel = taps.strides
        length = self.columns.shape[1] + 2 * self.spill
        strides = [
            stride - step * pixel
            for stride, step in zip(tap_strides, self.steps, strict=True)
        ]
        # Of the first tap, whose shift is the most negative.
        start = self.reach - self.spill + self.margin * sum(self.steps)
        shifted = xp.lib.stride_tricks.as_strided(
            taps[(..., slice(start, None))],
            (len(taps), *self.kernel, length),
            (channel, *strides, pixel),
        )
        return shifted.sum(axis=tuple(range(1, 1 + len(self.kernel))))
