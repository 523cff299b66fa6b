"""What compiled functions need to know of their images."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence

import numpy as np

from ..._types import Array
from ...backend import get_array_module
from ..memory import in_tile

MOST_PANELS = 16
"""In a tile; 768 pixels in float32 with AVX-512."""


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
    )


def shape_of(x: Array, y: Array, margin: Sequence[int]) -> Shape:
    """Of images that are read around each pixel, and of images at the pixels.

    Parameters
    ----------
    x : array, shape (N, C_x, *spatial)
    y : array, shape (N, C_y, *spatial)
        Both as `pixels_without_gaps` returns them.
    margin : sequence of int
        Half the size of a window, rounded down, on each axis.
    """
    before, step = (1,) * (5 - x.ndim), x.dtype.itemsize
    return Shape(
        n_samples=len(x),
        spatial=before + x.shape[2:],
        margin=(0,) * len(before) + tuple(margin),
        n_in=x.shape[1],
        n_out=y.shape[1],
        x_sample=x.strides[0] // step,
        x_channel=x.strides[1] // step,
        y_sample=y.strides[0] // step,
        y_channel=y.strides[1] // step,
    )


def n_panels(images: Array, width: int) -> int:
    """Number of panels of so many pixels."""
    return -(-len(images) * math.prod(images.shape[2:]) // width)


def panels_of_tile(n_bytes: int, n_rows: int, images: Array, width: int) -> int:
    """Panels whose matrices of so many rows have about so many bytes; at least one.

    And not too many: in a tile sums are chains, in which errors of one sign add up.
    """
    most = in_tile(n_bytes) // (n_rows * width * images.dtype.itemsize)
    return max(1, min(n_panels(images, width), most, MOST_PANELS))


def pixels_without_gaps(images: Array) -> Array:
    """The images, or a copy if their pixels are not one after the other.

    Samples and channels are whole numbers apart, which they are not in a field of a
    record.
    """
    step = itemsize = images.dtype.itemsize
    fits = all(stride % itemsize == 0 for stride in images.strides[:2])
    for size, stride in zip(images.shape[:1:-1], images.strides[:1:-1], strict=True):
        fits = fits and (stride == step or size == 1)
        step *= size
    if isinstance(images, np.ndarray):
        fits = fits and images.flags.aligned
    return images if fits else get_array_module(images).ascontiguousarray(images)
