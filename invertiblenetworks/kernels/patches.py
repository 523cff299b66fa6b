"""Which pixels a convolution joins, and the copies between images and columns.

On every spatial axis tap ``k`` of a kernel joins input position
``stride * t + k - pad`` with output position ``t``. A convolution and its adjoints
are sums over taps of copies along these pairs; they differ only in which side is
read (the source) and which is written (the target).

Columns hold one copy of an image per tap, as an array ``(K, C, N, *spatial)``: as a
matrix of ``K * C`` rows they turn the convolution into one product.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from types import ModuleType

from .._types import Array, Shape

Slices = tuple[slice, ...]

Tile = tuple[slice, slice]
"""Slices of the samples and of the rows, which are positions on the first axis."""


@dataclasses.dataclass(frozen=True)
class Geometry:
    """Spatial shapes and taps of a map from ``source`` images to ``target`` images.

    The source is the input of a convolution, or with ``reverse=True`` its output.
    """

    source: Shape
    target: Shape
    kernel: Shape
    stride: Shape
    pad: Shape
    reverse: bool = False

    @property
    def n_taps(self) -> int:
        """Number of taps of the kernel."""
        return math.prod(self.kernel)

    @property
    def is_pointwise(self) -> bool:
        """True if every pixel is joined only with itself."""
        return self.n_taps == 1 and self.source == self.target and not any(self.pad)

    def reversed(self) -> Geometry:
        """The same pairs of pixels with source and target exchanged."""
        return dataclasses.replace(
            self, source=self.target, target=self.source, reverse=not self.reverse
        )

    def onto_rows(self, rows: slice) -> Geometry:
        """The map onto these target positions of the first spatial axis only."""
        shift = rows.start if self.reverse else -self.stride[0] * rows.start
        return dataclasses.replace(
            self,
            target=(rows.stop - rows.start, *self.target[1:]),
            pad=(self.pad[0] + shift, *self.pad[1:]),
        )

    def from_rows(self, rows: slice) -> Geometry:
        """The map from these source positions of the first spatial axis only."""
        return self.reversed().onto_rows(rows).reversed()


@functools.lru_cache(maxsize=256)
def taps(geometry: Geometry) -> list[tuple[Slices, Slices]]:
    """One pair (source slices, target slices) per tap, last axis fastest."""
    inputs, outputs = geometry.source, geometry.target
    if geometry.reverse:
        inputs, outputs = outputs, inputs
    per_axis = [
        [_joined(n_in, n_out, stride, tap - pad) for tap in range(kernel)]
        for n_in, n_out, kernel, stride, pad in zip(
            inputs, outputs, geometry.kernel, geometry.stride, geometry.pad, strict=True
        )
    ]
    pairs = [tuple(zip(*axes, strict=True)) for axes in itertools.product(*per_axis)]
    if geometry.reverse:
        return [(target, source) for source, target in pairs]
    return pairs


def _joined(n_in: int, n_out: int, stride: int, shift: int) -> tuple[slice, slice]:
    """Slices of all in-range pairs ``(stride * t + shift, t)`` on one axis."""
    first = max(0, -(shift // stride))
    last = min(n_out - 1, (n_in - 1 - shift) // stride)
    if last < first:
        return slice(0, 0), slice(0, 0)
    inputs = slice(stride * first + shift, stride * last + shift + 1, stride)
    return inputs, slice(first, last + 1)


@functools.lru_cache(maxsize=128)
def tiles(n_samples: int, spatial: Shape, n_pixels: int) -> tuple[Tile, ...]:
    """Cut a batch of images into tiles.

    A tile is a few rows of one image or several whole images. It has at most
    ``n_pixels`` pixels, but at least one row. None is larger than the first.
    """
    per_image = math.prod(spatial)
    n_rows = min(spatial[0], max(1, n_pixels * spatial[0] // per_image))
    n_images = min(n_samples, max(1, n_pixels // per_image))
    return tuple(
        (
            slice(sample, min(sample + n_images, n_samples)),
            slice(row, min(row + n_rows, spatial[0])),
        )
        for row in range(0, spatial[0], n_rows)
        for sample in range(0, n_samples, n_images)
    )


class Columns:
    """Memory that holds the columns of one tile after another.

    It is as large as the first of them.
    """

    def __init__(self, xp: ModuleType, dtype: object):
        self._xp, self._dtype = xp, dtype
        self._memory = None
        self._layout = None

    def empty(self, shape: Shape) -> Array:
        """Columns with any content, in the place of the last ones."""
        size = math.prod(shape)
        if self._memory is None:
            self._memory = self._xp.empty(size, self._dtype)
        self._layout = None
        return self._memory[:size].reshape(shape)

    def gather(self, images: Array, geometry: Geometry) -> Array:
        """Copy images ``(N, C, *source)`` to columns ``(K, C, N, *target)``.

        Positions that a tap finds outside of the image are zero.
        """
        layout, last_layout = (images.shape[:2], geometry), self._layout
        n_samples, n_channels = images.shape[:2]
        columns = self.empty((geometry.n_taps, n_channels, n_samples, *geometry.target))
        if layout != last_layout:
            columns.fill(0)
        # A further tile of the same layout writes to the same positions and finds
        # the others still zero.
        self._layout = layout
        by_channel = images.swapaxes(0, 1)
        for column, (source, target) in zip(columns, taps(geometry), strict=True):
            column[(..., *target)] = by_channel[(..., *source)]
        return columns


def scatter_add(columns: Array, images: Array, geometry: Geometry) -> None:
    """Add columns ``(K, C, N, *source)`` to images ``(N, C, *target)`` in place."""
    by_channel = images.swapaxes(0, 1)
    for column, (source, target) in zip(columns, taps(geometry), strict=True):
        by_channel[(..., *target)] += column[(..., *source)]
