"""Sums over blocks of pixels, and their adjoint, which repeats pixels."""

from __future__ import annotations

from .._types import Array, Shape
from ..backend import get_array_module
from .channels import SPATIAL_AXIS


def sum_blocks(x: Array, block: Shape) -> Array:
    """Sum over non-overlapping blocks of pixels.

    Parameters
    ----------
    x : array, shape (N, C, *spatial)
        Images whose spatial sizes are multiples of those of the block.
    block : tuple of int
        Size of a block on each spatial axis.

    Returns
    -------
    array, shape (N, C, *(spatial / block))
    """
    cut = []
    for size, n in zip(x.shape[SPATIAL_AXIS:], block, strict=True):
        cut += (size // n, n)
    pieces = x.reshape(*x.shape[:SPATIAL_AXIS], *cut)
    return pieces.sum(axis=tuple(range(SPATIAL_AXIS + 1, pieces.ndim, 2)))


def repeat_pixels(x: Array, block: Shape) -> Array:
    """Replace each pixel by a block of its value: the adjoint of `sum_blocks`.

    Parameters
    ----------
    x : array, shape (N, C, *spatial)
        Images.
    block : tuple of int
        Size of a block on each spatial axis.

    Returns
    -------
    array, shape (N, C, *(spatial * block))
    """
    outer, spatial = x.shape[:SPATIAL_AXIS], x.shape[SPATIAL_AXIS:]
    ones, cut, whole = [], [], []
    for size, n in zip(spatial, block, strict=True):
        ones += (size, 1)
        cut += (size, n)
        whole.append(size * n)
    # One assignment: repeat of CuPy would copy pixel by pixel.
    out = get_array_module(x).empty((*outer, *cut), x.dtype)
    out[...] = x.reshape(*outer, *ones)
    return out.reshape(*outer, *whole)
