"""Exchange of resolution for channels: each spatial size halves, channels multiply.

A squeeze cuts every spatial axis in two, which gives ``2^d`` sub-grids. Sub-grid ``q``
has the bits ``q = ex + 2 ey + 4 ez``, where x is the *last* axis of the array. Between
the two layouts stands an array of *bits* ``(N, C, [ez, ey,] ex, *half)``: one axis of
length two per spatial axis. `wavelet` filters along these and shares the rest.

Original: slimgroup/InvertibleNetworks.jl: src/utils/dimensionality_operations.jl
"""

from __future__ import annotations

import math

from .._types import Array, Shape
from ..backend import expect_array, get_array_module
from ..errors import expect, expect_in
from . import workers
from .channels import CHANNEL_AXIS, SPATIAL_AXIS, batch_size
from .compiled.copying import copied_in_order

PATTERNS = ("column", "patch", "checkerboard")


def squeezed_shape(shape: Shape) -> Shape:
    """Return the shape ``(N, 2^d C, *half)`` of the squeezed array.

    Raises
    ------
    ValueError
        If there are not one to three spatial axes, or a spatial size is odd.

    Examples
    --------
    >>> squeezed_shape((5, 3, 8, 6))
    (5, 12, 4, 3)
    """
    n, c, *spatial = _expect_images("squeeze", shape)
    even = all(size % 2 == 0 for size in spatial)
    hint = "Pad or crop the spatial axes."
    expect(even, "squeeze", "spatial sizes divisible by 2", f"shape {shape}", hint)
    return (n, c * 2 ** len(spatial), *(size // 2 for size in spatial))


def unsqueezed_shape(shape: Shape) -> Shape:
    """Return the shape of the array whose squeezed form has shape ``shape``.

    Raises
    ------
    ValueError
        If there are not one to three spatial axes, or the number of channels is not
        divisible by ``2^d``.
    """
    n, c, *spatial = _expect_images("unsqueeze", shape)
    divisor = 2 ** len(spatial)
    expected = f"a number of channels divisible by {divisor}"
    expect(c % divisor == 0, "unsqueeze", expected, f"shape {shape}")
    return (n, c // divisor, *(size * 2 for size in spatial))


def _expect_images(where: str, shape: Shape) -> Shape:
    expected = "an array (N, C, *spatial) with 1 to 3 spatial axes"
    expect(1 <= len(shape) - SPATIAL_AXIS <= 3, where, expected, f"shape {shape}")
    return shape


def squeeze(x: Array, pattern: str = "column") -> Array:
    """Turn pixels into channels: ``(N, C, *spatial)`` to ``(N, 2^d C, *half)``.

    Parameters
    ----------
    x : array of shape (N, C, *spatial)
        One to three spatial axes of even size.
    pattern : {"column", "patch", "checkerboard"}
        Which pixels form sub-grid ``q``, and the channel they go to:

        - column: the ``q``-th run of ``P / 2^d`` pixels in memory; channel
          ``2^d ch + q``.
        - patch: the half of each axis that its bit names; channel ``q C + ch``.
        - checkerboard: the even or odd pixels of each axis, as its bit says; channel
          ``q C + ch``.

    Returns
    -------
    array of shape (N, 2^d C, *half)
        C-contiguous. May share memory with ``x``.

    Raises
    ------
    ValueError
        If the shape cannot be squeezed or the pattern is unknown.

    Notes
    -----
    A permutation of the elements of each sample, hence orthogonal: `unsqueeze` is
    the inverse and the adjoint, and the log-determinant is 0.

    Examples
    --------
    >>> import numpy as np
    >>> squeeze(np.arange(4.0).reshape(1, 1, 4), "checkerboard")
    array([[[0., 2.],
            [1., 3.]]])
    """
    expect_array("squeeze", x)
    expect_in("squeeze", PATTERNS, pattern=pattern)
    shape = squeezed_shape(x.shape)
    if pattern == "column":
        return _contiguous(x).reshape(shape)
    return bits_to_channels(to_bits(x, pattern), subgrid_major(x.ndim))


def unsqueeze(x: Array, pattern: str = "column") -> Array:
    """Turn channels into pixels: inverse and adjoint of `squeeze`.

    Parameters
    ----------
    x : array of shape (N, 2^d C, *half)
    pattern : {"column", "patch", "checkerboard"}

    Returns
    -------
    array of shape (N, C, *spatial)
        C-contiguous. May share memory with ``x``.

    Raises
    ------
    ValueError
        If the number of channels is not divisible by ``2^d``, or the pattern is
        unknown.
    """
    expect_array("unsqueeze", x)
    expect_in("unsqueeze", PATTERNS, pattern=pattern)
    shape = unsqueezed_shape(x.shape)
    if pattern == "column":
        return _contiguous(x).reshape(shape)
    return from_bits(channels_to_bits(x, subgrid_major(x.ndim)), pattern)


def to_bits(x: Array, pattern: str) -> Array:
    """Return ``x`` as bits ``(N, C, [ez, ey,] ex, *half)``, a view where possible.

    ``pattern`` is "checkerboard" (neighbours differ in the bit) or "patch" (halves
    differ in the bit).
    """
    rank = x.ndim - SPATIAL_AXIS
    squeezed_shape(x.shape)
    cut = []
    for size in x.shape[SPATIAL_AXIS:]:
        cut += (size // 2, 2) if pattern == "checkerboard" else (2, size // 2)
    pieces = x.reshape(*x.shape[:SPATIAL_AXIS], *cut)
    xp = get_array_module(x)
    return xp.moveaxis(pieces, _bit_axes_when_cut(rank, pattern), _bit_axes(rank))


def from_bits(bits: Array, pattern: str) -> Array:
    """Inverse of `to_bits`."""
    rank = (bits.ndim - SPATIAL_AXIS) // 2
    xp = get_array_module(bits)
    pieces = xp.moveaxis(bits, _bit_axes(rank), _bit_axes_when_cut(rank, pattern))
    spatial = (2 * half for half in bits.shape[SPATIAL_AXIS + rank :])
    return _merged(pieces, (*bits.shape[:SPATIAL_AXIS], *spatial))


def _bit_axes(rank: int) -> tuple[int, ...]:
    return tuple(range(SPATIAL_AXIS, SPATIAL_AXIS + rank))


def _bit_axes_when_cut(rank: int, pattern: str) -> tuple[int, ...]:
    """Where the bits are after each spatial axis has been cut in two in place."""
    first = SPATIAL_AXIS + (pattern == "checkerboard")
    return tuple(range(first, first + 2 * rank, 2))


def subgrid_major(ndim: int) -> tuple[int, ...]:
    """Place of the bits for output channel ``q C + ch``."""
    return tuple(range(CHANNEL_AXIS, ndim - 1))


def channel_major(ndim: int) -> tuple[int, ...]:
    """Place of the bits for output channel ``2^d ch + q``."""
    return _bit_axes(ndim - SPATIAL_AXIS)


def bits_to_channels(bits: Array, places: tuple[int, ...]) -> Array:
    """Merge bits ``(N, C, [ez, ey,] ex, *half)`` with the channels.

    Parameters
    ----------
    bits : array
    places : tuple of int
        The axes that the bits take before the merge, for instance `subgrid_major`.

    Returns
    -------
    array of shape (N, 2^d C, *half)
        C-contiguous.
    """
    rank = len(places)
    moved = get_array_module(bits).moveaxis(bits, _bit_axes(rank), places)
    merged = math.prod(bits.shape[CHANNEL_AXIS : SPATIAL_AXIS + rank])
    half = bits.shape[SPATIAL_AXIS + rank :]
    return _merged(moved, (batch_size(bits), merged, *half))


def channels_to_bits(y: Array, places: tuple[int, ...]) -> Array:
    """Inverse of `bits_to_channels`, a view where possible."""
    rank = len(places)
    n, channels, *_ = unsqueezed_shape(y.shape)
    bits = (2,) * rank
    split = (*bits, channels) if CHANNEL_AXIS in places else (channels, *bits)
    moved = y.reshape(n, *split, *y.shape[SPATIAL_AXIS:])
    return get_array_module(y).moveaxis(moved, places, _bit_axes(rank))


def _merged(x: Array, shape: Shape) -> Array:
    """Return a view with many axes in another shape, in C order.

    Threads share the copy: pixels that become channels are far apart, so it takes
    several times as long as other copies.
    """
    if x.flags.c_contiguous:
        return x.reshape(shape)
    copied = copied_in_order(x)
    if copied is not None:
        return copied.reshape(shape)
    xp, worth = get_array_module(x), workers.worth_of_reading(x)
    if worth < 2:
        return _contiguous(x.reshape(shape))
    result = xp.empty(x.shape, x.dtype)

    def copy(samples):
        result[samples] = x[samples]

    workers.for_shares(len(x), worth, copy)
    return result.reshape(shape)


def _contiguous(x: Array) -> Array:
    """Return ``x`` in C order; products of matrices need it, and would copy."""
    return get_array_module(x).ascontiguousarray(x)
