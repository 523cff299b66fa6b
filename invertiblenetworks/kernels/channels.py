"""The batch and channel axes: the only module that knows their numbers.

Arrays are laid out ``(N, C, *spatial)`` with zero to three spatial axes.
"""

from __future__ import annotations

import math

from .._types import Array
from ..backend import get_array_module, has_cuda_kernels

BATCH_AXIS = 0
CHANNEL_AXIS = 1
SPATIAL_AXIS = 2  # the first of them


def _first(x: Array | tuple[Array, ...]) -> Array:
    """The array itself, or the first one of a pair."""
    return x[0] if isinstance(x, tuple) else x


def batch_size(x: Array | tuple[Array, ...]) -> int:
    """Return the number of samples ``N``; of a pair, that of its first array."""
    return _first(x).shape[BATCH_AXIS]


def n_pixels(x: Array | tuple[Array, ...]) -> int:
    """Return the product of the spatial sizes; of a pair, that of its first array.

    An array ``(N, C)`` without spatial axes has one pixel.
    """
    return math.prod(_first(x).shape[SPATIAL_AXIS:])


def n_channels(x: Array) -> int:
    """Return the number of channels ``C``."""
    return x.shape[CHANNEL_AXIS]


def empty_state(x: Array, dtype: object = None) -> Array:
    """Return a new array of any content like ``x``, or of another type.

    Vectors are laid out channel by channel: so a group of channels is one block of
    memory, as it is for images, where loops over a few channels at a time would be
    slow.
    """
    xp, dtype = get_array_module(x), x.dtype if dtype is None else dtype
    if x.ndim == SPATIAL_AXIS:
        return xp.empty(x.shape[::-1], dtype).T
    return xp.empty(x.shape, dtype)


def half_channels(c: int) -> int:
    """Return how many of ``c`` channels go to the first of two parts.

    Half of them, rounded to the even neighbour if ``c`` is odd.

    Examples
    --------
    >>> [half_channels(c) for c in (1, 2, 3, 5, 7, 9)]
    [0, 1, 2, 2, 4, 4]
    """
    return round(c / 2)


def on_channels(v: Array, x: Array) -> Array:
    """Return the vector ``v`` of shape (C,) as a view that broadcasts over ``x``.

    Parameters
    ----------
    v : array of shape (C,)
    x : array of shape (N, C, *spatial)

    Returns
    -------
    array of shape (1, C, 1, ...)
        With as many axes as ``x``.
    """
    return v.reshape((1, -1) + (1,) * (x.ndim - SPATIAL_AXIS))


def sum_but_channels(x: Array) -> Array:
    """Sum over samples and pixels; the result has shape (C,).

    The adjoint of spreading a vector with `on_channels` over all of ``x``.
    """
    if x.ndim > SPATIAL_AXIS and has_cuda_kernels(get_array_module(x)):
        # In two steps: there is one block of threads for each sum, and few channels.
        x = sum_of_pixels(x)
    return x.sum(axis=(BATCH_AXIS, *range(SPATIAL_AXIS, x.ndim)))


def sum_of_pixels(x: Array) -> Array:
    """Sum over pixels; the result has shape (N, C)."""
    return flatten_spatial(x).sum(axis=SPATIAL_AXIS)


def sum_per_sample(x: Array) -> Array:
    """Sum over channels and pixels; the result has shape (N,)."""
    return x.sum(axis=tuple(range(CHANNEL_AXIS, x.ndim)))


def per_sample(x: Array | tuple[Array, ...], value: float | Array) -> Array:
    """Return an array of shape (N,) in the library and dtype of ``x``.

    Parameters
    ----------
    x : array of shape (N, C, *spatial), or a pair of them
        Of a pair the first array counts.
    value : float or array
        A Python number, or an array of the same library that broadcasts to (N,).

    Notes
    -----
    Never waits for the device, whatever ``value`` is.
    """
    x = _first(x)
    filled = get_array_module(x).empty(batch_size(x), dtype=x.dtype)
    filled[...] = value
    return filled


def split_channels(x: Array, k: int) -> tuple[Array, Array]:
    """Return views of channels ``[0, k)`` and ``[k, C)``."""
    return x[:, :k], x[:, k:]


def join_channels(a: Array, b: Array) -> Array:
    """Return a new array with the channels of ``a`` followed by those of ``b``.

    Inverse of `split_channels`; either part may have no channels.
    """
    return get_array_module(a, b).concatenate((a, b), axis=CHANNEL_AXIS)


def flatten_spatial(x: Array) -> Array:
    """Return ``x`` as (N, C, P) with all pixels on one axis.

    A view where the memory layout of ``x`` allows it, else a copy.
    """
    return x.reshape(*x.shape[:SPATIAL_AXIS], n_pixels(x))


def as_columns(x: Array) -> Array:
    """Return samples of one pixel each as (C, N).

    A view where the memory layout of ``x`` allows it, else a copy.
    """
    return x.reshape(x.shape[:SPATIAL_AXIS]).T
