"""Where the numbers of arrays are, for what is done to each number."""

from __future__ import annotations

import ctypes
import functools
import math

import numpy as np

from ..._types import Array, Shape

ROLES = ("value", "p", "result", "cotangent", "dp", "dresult")
"""Arrays of a formula; `p` and `dp` have twice the channels."""


class Strides(ctypes.Structure):
    """The same as in `kernels.c`."""

    _fields_ = (("sample", ctypes.c_int64), ("channel", ctypes.c_int64))


class Rows(ctypes.Structure):
    """The same as in `kernels.c`."""

    _fields_ = (
        ("n_samples", ctypes.c_int64),
        ("n_channels", ctypes.c_int64),
        ("n_pixels", ctypes.c_int64),
        ("pixels_are_samples", ctypes.c_int64),
        ("shift_of_p", ctypes.c_int64),
        ("shift_of_dp", ctypes.c_int64),
        *((f"of_{role}", Strides) for role in ROLES),
        ("n_parts", ctypes.c_int64),
    )


def rows_of(*arrays: Array, n_parts: int = 1) -> Rows | None:
    """Return the rows of arrays in the order of `ROLES`, or of the first of them.

    Parameters
    ----------
    *arrays : array, shape (N, C, *spatial); of p and dp (N, 2 C, *spatial)
    n_parts : int
        So many threads share the work.

    Returns
    -------
    Rows or None
        None if types differ, or the numbers of a row do not follow each other in one
        of them.
    """
    for array in arrays:
        fits = not isinstance(array, np.ndarray) or array.flags.aligned
        if not fits or array.dtype != arrays[0].dtype:
            return None
    strides = tuple(array.strides for array in arrays)
    return _rows(arrays[0].shape, arrays[0].dtype.itemsize, strides, n_parts)


@functools.lru_cache(maxsize=1024)
def _rows(
    shape: Shape, itemsize: int, strides: tuple[Shape, ...], n_parts: int
) -> Rows | None:
    if not all(rows_fit(shape, own, itemsize) for own in strides):
        return None
    n_samples, n_channels, *spatial = shape
    rows = Rows(n_samples, n_channels, math.prod(spatial), not spatial)
    rows.n_parts = n_parts
    steps = [[step // itemsize for step in own] for own in strides]
    for role, own in zip(ROLES, steps, strict=False):
        if role in ("p", "dp"):
            setattr(rows, f"shift_of_{role}", n_channels * own[1])
        setattr(rows, f"of_{role}", Strides(own[0], own[1]))
    if not spatial:
        # Vectors are channel by channel in memory, so samples are what pixels are.
        rows.n_samples, rows.n_pixels = 1, n_samples
    elif all(own[1] == rows.n_pixels for own in steps):
        # Channels follow each other, so all of a sample is one row.
        rows.n_channels, rows.n_pixels = 1, n_channels * rows.n_pixels
    return rows


@functools.lru_cache(maxsize=1024)
def rows_fit(shape: Shape, strides: Shape, itemsize: int) -> bool:
    """Whether pixels have no gaps, and strides are whole numbers of entries.

    What are pixels of images, are samples of vectors.
    """
    axes = range(2, len(shape)) if len(shape) > 2 else (0,)
    step = itemsize
    for axis in reversed(axes):
        if strides[axis] != step and shape[axis] != 1:
            return False
        step *= shape[axis]
    return all(stride % itemsize == 0 for stride in strides)
