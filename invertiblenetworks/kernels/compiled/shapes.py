"""What compiled functions need to know of their images."""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..._types import Array
from ..memory import in_tile
from .rows import rows_fit

MOST_PANELS = 6
"""In a tile; 288 pixels in float32 with AVX-512."""


class Shape(ctypes.Structure):
    """The same as in `kernels.c`."""

    _fields_ = (
        ("n_samples", ctypes.c_int64),
        ("spatial", ctypes.c_int64 * 3),
        ("margin", ctypes.c_int64 * 3),
        ("n_in", ctypes.c_int64),
        ("n_hidden", ctypes.c_int64),
        ("n_out", ctypes.c_int64),
        ("x_sample", ctypes.c_int64),
        ("x_channel", ctypes.c_int64),
        ("y_sample", ctypes.c_int64),
        ("y_channel", ctypes.c_int64),
        ("panels_of_tile", ctypes.c_int64),
        ("n_parts", ctypes.c_int64),
    )

    # Structures have none; this one is not changed once it is made.
    __hash__ = object.__hash__


class Tile(NamedTuple):
    """Of how many pixels gradients are summed at a time.

    Attributes
    ----------
    n_bytes : int
        Of a matrix with the pixels of a tile as columns, at most.
    n_rows : int
        Those of this matrix.
    width : int
        Pixels of a panel.
    """

    n_bytes: int
    n_rows: int
    width: int


def shape_of(
    x: Array,
    y: Array,
    kernel: Sequence[int] = (),
    n_hidden: int = 0,
    tile: Tile | None = None,
    n_parts: int = 1,
) -> Shape:
    """Of images that are read around each pixel, and of images at the pixels.

    Parameters
    ----------
    x : array, shape (N, C_x, *spatial)
    y : array, shape (N, C_y, *spatial)
        Both as `pixels_without_gaps` returns them.
    kernel : sequence of int
        Size of a window on each axis.
    n_hidden : int
    tile : Tile, optional
    n_parts : int
        At most so many threads share the work.

    Returns
    -------
    Shape
        Not to be changed: the same call returns the same object.
    """
    strides = (x.strides[:2], y.strides[:2], x.dtype.itemsize)
    sizes = (y.shape[1], n_hidden, n_parts)
    if tile is not None:
        tile = tile._replace(n_bytes=in_tile(tile.n_bytes))
    return _shape(x.shape, strides, tuple(kernel), sizes, tile)


@functools.lru_cache(maxsize=1024)
def _shape(x_shape, strides, kernel, sizes, tile) -> Shape:
    n_samples, n_in, *spatial = x_shape
    n_out, n_hidden, n_parts = sizes
    *of_arrays, itemsize = strides
    (x_sample, x_channel), (y_sample, y_channel) = (
        (sample // itemsize, channel // itemsize) for sample, channel in of_arrays
    )
    margin = [size // 2 for size in kernel]
    all_pixels = n_samples * math.prod(spatial)
    return Shape(
        n_samples=n_samples,
        spatial=(*(1,) * (3 - len(spatial)), *spatial),
        margin=(*(0,) * (3 - len(margin)), *margin),
        n_in=n_in,
        n_hidden=n_hidden,
        n_out=n_out,
        x_sample=x_sample,
        x_channel=x_channel,
        y_sample=y_sample,
        y_channel=y_channel,
        panels_of_tile=_panels_of_tile(tile, all_pixels, itemsize) if tile else 0,
        n_parts=n_parts,
    )


def _panels_of_tile(tile: Tile, n_pixels: int, itemsize: int) -> int:
    """Panels in so many bytes; at least one.

    And not too many: in a tile sums are chains, in which errors of one sign add up.
    """
    most = tile.n_bytes // (tile.n_rows * tile.width * itemsize)
    return max(1, min(-(-n_pixels // tile.width), most, MOST_PANELS))


def as_images(x: Array) -> Array:
    """Vectors as the pixels of one row, which is how states lie in memory."""
    return x.T[None] if x.ndim == 2 else x


def as_given(images: Array, like: Array) -> Array:
    """Undo `as_images`."""
    return images[0].T if like.ndim == 2 else images


def n_pixels(images: Array) -> int:
    """Number of pixels of all samples."""
    return len(images) * math.prod(images.shape[2:])


def pixels_without_gaps(images: Array) -> Array:
    """The images, or a copy if their pixels are not one after the other.

    Samples and channels are whole numbers apart, which they are not in a field of a
    record.
    """
    fits = not isinstance(images, np.ndarray) or images.flags.aligned
    if fits and rows_fit(images.shape, images.strides, images.dtype.itemsize):
        return images
    return images.copy()
