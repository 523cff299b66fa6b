"""Gradients of weights of square convolutions with few channels, without columns.

On a grid with some zeros after each row of pixels, moving an image by a tap is moving
its flat pixels, so each tap is a view of one copy. Where columns would be copied for
the taps on both sides, an image is copied once. The products, one for each tap, have
as few rows as there are channels; so this pays where the BLAS has kernels for them,
see `products`, and where channels are so few that copies are a good part of the work.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

from .._types import Array
from ..backend import get_array_module
from .conv_cuts import tiles_of_correlation
from .memory import steps
from .patches import Geometry, Tile
from .product_sum import MOST_COLUMNS
from .products import UNIT, cuts
from .windows import strided
from .workspace import row_length, scratch

MOST_CHANNELS = 32
"""With more of them, products of columns are faster than is gained by not copying."""

LEAST_PIXELS = 128
"""With fewer in an image, sums within one are too short for a product of their own."""

MOST_WASTE = 1.3
"""How many times more columns than pixels a grid may have."""

BLOCKS = (16, 8, 4)
"""Channels of the moved images in one product; the first that divides them."""


def pays(fixed: Array, moved: Array, geometry: Geometry) -> bool:
    """Whether this is the way to correlate these; see `conv_tiled.correlate`."""
    return (
        cuts(get_array_module(fixed))
        and max(geometry.stride) == 1
        and math.prod(geometry.target) >= LEAST_PIXELS
        and _waste(geometry) <= MOST_WASTE
        and max(fixed.shape[1], moved.shape[1]) <= MOST_CHANNELS
        and _block(moved.shape[1]) > 0
    )


def tiles_of(fixed: Array, moved: Array, geometry: Geometry) -> tuple[Tile, ...]:
    """Tiles of the target."""
    n_fixed, n_moved = fixed.shape[1], moved.shape[1]
    n_summed = min(math.prod(geometry.target), MOST_COLUMNS)
    n_terms = -(-geometry.n_taps * n_fixed * n_moved // n_summed)
    n_rows = n_fixed + n_moved + n_terms
    return tiles_of_correlation(moved, n_rows, geometry.target, one_image=False)


def correlate_tiles(
    fixed: Array, moved: Array, geometry: Geometry, tiles: Sequence[Tile]
) -> Array:
    """Return the part of `conv_tiled.correlate` that tiles of the target contribute."""
    work = _Correlation(fixed, moved, geometry)
    for tile in steps(tiles):
        work.add(tile)
    return work.result()


class _Correlation:
    def __init__(self, fixed: Array, moved: Array, geometry: Geometry):
        self.fixed, self.moved, self.geometry = fixed, moved, geometry
        self.xp = get_array_module(fixed)
        self.n_fixed, self.n_moved = fixed.shape[1], moved.shape[1]
        self.block = _block(self.n_moved)
        n_blocks = self.n_moved // self.block
        shape = (*geometry.kernel, n_blocks, self.n_fixed, self.block)
        self.total = self.xp.zeros(shape, fixed.dtype)
        self.layout, self.left, self.right = None, None, None

    def add(self, tile: Tile) -> None:
        samples, rows = tile
        n_samples = samples.stop - samples.start
        grid = _grid(self.geometry, rows.stop - rows.start)
        if self.layout != (grid, n_samples):
            # Else what lies between the pixels is still zero.
            self.layout = (grid, n_samples)
            n_left, n_right = n_samples * grid.n_left, grid.n_all(n_samples)
            self.left = self._zeros("fixed", self.n_fixed, n_left)
            self.right = self._zeros("moved", self.n_moved, n_right)
        grid.place(self.fixed[samples, :, rows], self.left)
        grid.place_with_neighbours(self.moved[samples], rows.start, self.right)
        left = grid.parts(self.left, n_samples)
        right = grid.moved_parts(self.right, n_samples, self.block)
        axis = len(self.geometry.kernel)
        shape = (*right.shape[: axis + 3], self.n_fixed, self.block)
        terms = scratch("gradient of a tile", shape, self.total)
        self.xp.matmul(left, right, out=terms)
        self.total += terms.sum(axis=(axis, axis + 1))

    def _zeros(self, role: str, n_rows: int, n_columns: int) -> Array:
        shape = (n_rows, row_length(n_columns, self.total))
        matrix = scratch(role, shape, self.total)
        matrix[...] = 0
        return matrix

    def result(self) -> Array:
        """Shape ``(K, n_fixed, n_moved)``."""
        n_taps = self.geometry.n_taps
        total = self.total.reshape(n_taps, -1, self.n_fixed, self.block)
        return total.swapaxes(1, 2).reshape(n_taps, self.n_fixed, self.n_moved)


class _Grid:
    """Where the pixels of a tile are among the columns of a matrix.

    The first axis has the rows of the tile, or for moved images these and the rows that
    taps join with them; the other axes have room for the pixels and as many zeros as
    a tap reaches over either edge.

    Parameters
    ----------
    geometry : Geometry
        With strides of 1.
    n_rows : int
        Rows of the tile.

    Attributes
    ----------
    n_left : int
        Columns for one sample of the fixed images: a number of parts, of one length.
    """

    def __init__(self, geometry: Geometry, n_rows: int):
        self.geometry, self.n_rows = geometry, n_rows
        sign = -1 if geometry.reverse else 1
        self.sign, self.first_shift = sign, [-sign * pad for pad in geometry.pad]
        last = [
            first + sign * (kernel - 1)
            for first, kernel in zip(self.first_shift, geometry.kernel, strict=True)
        ]
        pairs = list(zip(self.first_shift, last, strict=True))
        low, high = [min(pair) for pair in pairs], [max(pair) for pair in pairs]
        self.low, self.n_joined = low[0], n_rows + high[0] - low[0]
        self.sizes = tuple(
            max(source + max(0, -below), target + max(0, above), source)
            for source, target, below, above in zip(
                geometry.source[1:], geometry.target[1:], low[1:], high[1:], strict=True
            )
        )
        self.strides = [math.prod(self.sizes[axis:]) for axis in range(len(low))]
        n = n_rows * self.strides[0]
        self.n_parts = -(-n // MOST_COLUMNS)
        self.length = _in_units(-(-n // self.n_parts))
        self.n_left = self.n_parts * self.length
        self.before = _in_units(self._reach([max(0, -shift) for shift in low]))
        self.n_right = _in_units(self.n_joined * self.strides[0])
        furthest = self._reach([max(0, shift) for shift in high])
        furthest += (high[0] - low[0]) * self.strides[0] + self.n_left
        self.after = max(0, furthest - self.n_right)

    def n_all(self, n_samples: int) -> int:
        """Columns for moved images, with what taps reach before and after them."""
        return self.before + n_samples * self.n_right + self.after

    def place(self, images: Array, matrix: Array) -> None:
        """Copy the rows of a tile."""
        places = self._places(matrix, len(images), 0, self.n_left, self.n_rows)
        inside = tuple(slice(0, size) for size in self.geometry.target[1:])
        places[(..., *inside)] = images.swapaxes(0, 1)

    def place_with_neighbours(self, images: Array, row: int, matrix: Array) -> None:
        """Copy the rows that are joined with those of a tile that begins at ``row``."""
        places = self._places(
            matrix, len(images), self.before, self.n_right, self.n_joined
        )
        start, n_source = row + self.low, self.geometry.source[0]
        first, last = max(0, start), min(n_source, start + self.n_joined)
        first, last = min(first, n_source), max(last, first)
        places[:, :, : first - start] = 0
        places[:, :, last - start :] = 0
        inside = tuple(slice(0, size) for size in self.geometry.source[1:])
        part = images[:, :, first:last].swapaxes(0, 1)
        places[(..., slice(first - start, last - start), *inside)] = part

    def parts(self, matrix: Array, n_samples: int) -> Array:
        """View fixed images as ``(n_samples, n_parts, 1, C, length)``."""
        matrix = matrix[:, : n_samples * self.n_left]
        parts = matrix.reshape(len(matrix), n_samples, self.n_parts, self.length)
        return parts.transpose(1, 2, 0, 3)[:, :, None]

    def moved_parts(self, matrix: Array, n_samples: int, block: int) -> Array:
        """View moved images once for each tap, in blocks of channels.

        Returns
        -------
        array, shape (*kernel, n_samples, n_parts, n_blocks, length, block)
        """
        row, number = matrix.strides
        first = [self.first_shift[0] - self.low, *self.first_shift[1:]]
        n_blocks = len(matrix) // block
        return strided(
            matrix,
            (self.before + self._reach(first, 0)) * number,
            (
                *self.geometry.kernel,
                *(n_samples, self.n_parts, n_blocks, self.length, block),
            ),
            (
                *(self.sign * stride * number for stride in self.strides),
                *(self.n_right * number, self.length * number),
                *(block * row, number, row),
            ),
        )

    def _places(self, matrix, n_samples, start, n_columns, n_rows) -> Array:
        """View the columns from ``start`` on as ``(C, N, n_rows, *sizes)``."""
        matrix = matrix[:, start : start + n_samples * n_columns]
        by_sample = matrix.reshape(len(matrix), n_samples, n_columns)
        by_sample = by_sample[:, :, : n_rows * self.strides[0]]
        return by_sample.reshape(len(matrix), n_samples, n_rows, *self.sizes)

    def _reach(self, shifts: Sequence[int], first_axis: int = 1) -> int:
        """How far flat pixels move with the shifts of the axes from the first on."""
        pairs = zip(shifts, self.strides, strict=True)
        return sum(shift * stride for shift, stride in list(pairs)[first_axis:])


_grid = functools.lru_cache(maxsize=256)(_Grid)


def _waste(geometry: Geometry) -> float:
    """Columns per pixel of an image."""
    n_rows = geometry.target[0]
    return _grid(geometry, n_rows).strides[0] * n_rows / math.prod(geometry.target)


def _in_units(n: int) -> int:
    return -(-n // UNIT) * UNIT


def _block(n_moved: int) -> int:
    """Channels of a block, or 0 if they cannot be cut so."""
    return next((block for block in BLOCKS if n_moved % block == 0), 0)
