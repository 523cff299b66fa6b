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

from .._types import Array, Shape
from ..backend import get_array_module, on_host
from .workspace import scratch_matrix

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

    @property
    def rows_stay(self) -> bool:
        """True if every position on the first axis is joined only with itself."""
        stays = self.kernel[0] == 1 and self.source[0] == self.target[0]
        return stays and self.pad[0] == 0

    def reversed(self) -> Geometry:
        """The same pairs of pixels with source and target exchanged."""
        return dataclasses.replace(
            self, source=self.target, target=self.source, reverse=not self.reverse
        )

    def cut(self, n_axes: int) -> tuple[Geometry, Geometry]:
        """Two maps one after the other: the last axes, then the first ``n_axes``.

        The taps of one axis do not depend on those of another, so the map is both.
        """
        middle = (*self.source[:n_axes], *self.target[n_axes:])
        still, after = (1,) * n_axes, len(middle) - n_axes
        before = dataclasses.replace(
            self,
            target=middle,
            kernel=(*still, *self.kernel[n_axes:]),
            stride=(*still, *self.stride[n_axes:]),
            pad=((0,) * n_axes + self.pad[n_axes:]),
        )
        still = (1,) * after
        return before, dataclasses.replace(
            self,
            source=middle,
            kernel=(*self.kernel[:n_axes], *still),
            stride=(*self.stride[:n_axes], *still),
            pad=self.pad[:n_axes] + (0,) * after,
        )

    def source_rows(self) -> slice:
        """Positions on the first axis of the source that any tap joins."""
        rows = [source[0] for source, _ in taps(self)]
        rows = [part for part in rows if part.stop > part.start] or [slice(0, 0)]
        return slice(min(r.start for r in rows), max(r.stop for r in rows))

    def of_rows(self, n_rows: int) -> Geometry:
        """The map of images with so many rows, where every row stays by itself."""
        return _with_rows(self, n_rows, n_rows, 0)

    def onto_rows(self, rows: slice) -> Geometry:
        """The map onto these target positions of the first spatial axis only."""
        shift = rows.start if self.reverse else -self.stride[0] * rows.start
        return _with_rows(self, self.source[0], rows.stop - rows.start, shift)

    def from_rows(self, rows: slice) -> Geometry:
        """The map from these source positions of the first spatial axis only."""
        shift = -self.stride[0] * rows.start if self.reverse else rows.start
        return _with_rows(self, rows.stop - rows.start, self.target[0], shift)


@functools.lru_cache(maxsize=256)
def _with_rows(
    geometry: Geometry, n_source: int, n_target: int, shift: int
) -> Geometry:
    """Another number of positions on the first axis, and other ones that are joined."""
    return dataclasses.replace(
        geometry,
        source=(n_source, *geometry.source[1:]),
        target=(n_target, *geometry.target[1:]),
        pad=(geometry.pad[0] + shift, *geometry.pad[1:]),
    )


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


@functools.lru_cache(maxsize=256)
def beyond(geometry: Geometry) -> list[list[Slices]]:
    """For each tap the positions of the target that it joins with nothing."""
    return [_others(target, geometry.target) for _, target in taps(geometry)]


def _others(part: Slices, shape: Shape) -> list[Slices]:
    """Cover all positions but those of a part; it has steps where there is a stride."""
    if any((s.step or 1) > 1 for s in part):
        return [tuple(slice(0, n) for n in shape)]
    places: list[Slices] = []
    for axis, (s, n) in enumerate(zip(part, shape, strict=True)):
        for edge in (slice(0, s.start), slice(s.stop, n)):
            if edge.start < edge.stop:
                rest = (slice(0, m) for m in shape[axis + 1 :])
                places.append((*part[:axis], edge, *rest))
    return places


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

    Parameters
    ----------
    like : array
        Gives the type.
    role : str, optional
        On the CPU, of the scratch memory to use; else it is fresh, and as large as
        the first tile needs.
    """

    def __init__(self, like: Array, role: str | None = None):
        self._like, self._xp = like, get_array_module(like)
        self._role = role if on_host(self._xp) else None
        self._memory = None
        self._layout = None

    def empty(self, shape: Shape) -> Array:
        """Columns with any content, in the place of the last ones."""
        self._layout = None
        if self._role is not None:
            n_rows, n_columns = math.prod(shape[:2]), math.prod(shape[2:])
            matrix = scratch_matrix(self._role, n_rows, n_columns, self._like)
            return matrix.reshape(shape)
        size = math.prod(shape)
        if self._memory is None:
            self._memory = self._xp.empty(size, self._like.dtype)
        return self._memory[:size].reshape(shape)

    def gather(self, images: Array, geometry: Geometry) -> Array:
        """Copy images ``(N, C, *source)`` to columns ``(K, C, N, *target)``.

        Positions that a tap finds outside of the image are zero.
        """
        layout, last_layout = (images.shape[:2], geometry), self._layout
        n_samples, n_channels = images.shape[:2]
        columns = self.empty((geometry.n_taps, n_channels, n_samples, *geometry.target))
        if layout != last_layout:
            for column, places in zip(columns, beyond(geometry), strict=True):
                for place in places:
                    column[(..., *place)] = 0
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
