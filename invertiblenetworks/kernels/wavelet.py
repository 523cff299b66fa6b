"""One level of an orthonormal, periodic wavelet transform, squeezed into channels.

Along each axis the even and the odd pixels, which `squeeze` separates as bits, are
turned into a low and a high band: bit 0 and bit 1. Each step is orthonormal, so the
inverse is the adjoint and the log-determinant 0.

Original: slimgroup/InvertibleNetworks.jl: src/utils/dimensionality_operations.jl
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .._types import Array
from ..backend import expect_array, get_array_module
from .channels import SPATIAL_AXIS
from .squeeze import (
    bits_to_channels,
    channel_major,
    channels_to_bits,
    from_bits,
    subgrid_major,
    to_bits,
)
from .wavelet_filters import scaling_filter


def wavelet_squeeze(x: Array, wavelet: str = "db1") -> Array:
    """Transform to low and high bands, and stack the bands as channels.

    Parameters
    ----------
    x : array of shape (N, C, *spatial)
        One to three spatial axes of even size.
    wavelet : str, default "db1"
        Name of an orthogonal wavelet of PyWavelets: haar, db, sym or coif. A filter
        longer than an axis wraps around it as often as needed.

    Returns
    -------
    array of shape (N, 2^d C, *half)
        Channel ``2^d ch + q`` with ``q = ex + 2 ey + 4 ez``; ``ex = 1`` for the high
        band along x (the last axis), and so on.

    Raises
    ------
    ValueError
        If a spatial size is odd, or the wavelet is unknown or not orthogonal.

    Notes
    -----
    Along one axis, with the scaling filter ``h`` and periodic ``x``::

        low[k]  = sum_m h[m] x[2k + m]
        high[k] = sum_m (-1)^m h[m] x[2k + 1 - m]

    which for db1 is ``(a + b) / sqrt(2)`` and ``(b - a) / sqrt(2)``. Shifts and signs
    are those of Wavelets.jl, which the original uses. Wavelets.jl names coiflets by
    twice the number used here (its coif2 is coif1) and stores some symlets reversed.

    Examples
    --------
    >>> import numpy as np
    >>> wavelet_squeeze(np.array([[[1.0, 1.0, 2.0, 4.0]]])).round(3)
    array([[[1.414, 4.243],
            [0.   , 1.414]]])
    """
    expect_array("wavelet_squeeze", x)
    taps = _polyphase(scaling_filter(wavelet, "wavelet_squeeze"))

    def analysis(even: Array, odd: Array, axis: int) -> tuple[Array, Array]:
        return _analysis(even, odd, taps, axis)

    bands = _along_each_axis(to_bits(x, "checkerboard"), analysis)
    return bits_to_channels(bands, channel_major(x.ndim))


def wavelet_unsqueeze(y: Array, wavelet: str = "db1") -> Array:
    """Inverse and adjoint of `wavelet_squeeze`.

    Parameters
    ----------
    y : array of shape (N, 2^d C, *half)
    wavelet : str, default "db1"

    Returns
    -------
    array of shape (N, C, *spatial)

    Raises
    ------
    ValueError
        If the number of channels is not divisible by ``2^d``, or the wavelet is
        unknown or not orthogonal.
    """
    expect_array("wavelet_unsqueeze", y)
    taps = _polyphase(scaling_filter(wavelet, "wavelet_unsqueeze"))

    def synthesis(low: Array, high: Array, axis: int) -> tuple[Array, Array]:
        return _synthesis(low, high, taps, axis)

    bands = channels_to_bits(y, channel_major(y.ndim))
    return from_bits(_along_each_axis(bands, synthesis), "checkerboard")


def haar_squeeze(x: Array) -> Array:
    """Haar transform to low and high bands, with the bands as blocks of channels.

    Parameters
    ----------
    x : array of shape (N, C, *spatial)
        One to three spatial axes of even size.

    Returns
    -------
    array of shape (N, 2^d C, *half)
        Channel ``r C + ch`` with ``r = hx`` in 1-D, ``hy + 2 hx`` in 2-D and
        ``hz + 2 hy + 4 hx`` in 3-D; ``hx = 1`` for the high band along x (the last
        axis), and so on.

    Raises
    ------
    ValueError
        If a spatial size is odd.

    Notes
    -----
    Along one axis, pairs ``(a, b)`` of pixels become ``low = (a + b) / sqrt(2)`` and
    ``high = (a - b) / sqrt(2)``. Compared with ``wavelet_squeeze(x, "db1")`` the high
    band has the other sign, and the channels another order.
    """
    expect_array("haar_squeeze", x)
    bands = _along_each_axis(to_bits(x, "checkerboard"), _haar_pair)
    return bits_to_channels(bands, _x_slowest(x.ndim))


def haar_unsqueeze(y: Array) -> Array:
    """Inverse and adjoint of `haar_squeeze`.

    Parameters
    ----------
    y : array of shape (N, 2^d C, *half)

    Returns
    -------
    array of shape (N, C, *spatial)

    Raises
    ------
    ValueError
        If the number of channels is not divisible by ``2^d``.
    """
    expect_array("haar_unsqueeze", y)
    bands = channels_to_bits(y, _x_slowest(y.ndim))
    return from_bits(_along_each_axis(bands, _haar_pair), "checkerboard")


def _x_slowest(ndim: int) -> tuple[int, ...]:
    """Place of the bits in the channel order of `haar_squeeze`."""
    return subgrid_major(ndim)[::-1]


def _along_each_axis(bits: Array, transform: Callable) -> Array:
    """Apply ``transform(bit_0, bit_1, axis)`` to the bits of each spatial axis.

    ``axis`` is the spatial axis of the two parts, counted from the end.
    """
    rank = (bits.ndim - SPATIAL_AXIS) // 2
    for i in range(rank):
        leading = (slice(None),) * (SPATIAL_AXIS + i)
        parts = transform(bits[(*leading, 0)], bits[(*leading, 1)], i - rank)
        bits = get_array_module(bits).stack(parts, axis=SPATIAL_AXIS + i)
    return bits


def _haar_pair(a: Array, b: Array, axis: int) -> tuple[Array, Array]:
    """Symmetric and orthogonal, hence its own inverse."""
    scale = math.sqrt(0.5)
    return scale * (a + b), scale * (a - b)


# With S the periodic shift by one, (S x)[k] = x[k + 1], the bands are
#     [low ]   [  A    B  ] [even]
#     [high] = [ -B^T  A^T] [odd ],   A = sum_i h[2i] S^i,  B = sum_i h[2i+1] S^i.
# These commute and A A^T + B B^T = I, so the transpose is the inverse.


def _polyphase(h: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return h[0::2], h[1::2]


def _analysis(even, odd, taps, axis) -> tuple[Array, Array]:
    a, b = taps
    low = _filter(even, a, axis) + _filter(odd, b, axis)
    high = _filter(odd, a, axis, adjoint=True) - _filter(even, b, axis, adjoint=True)
    return low, high


def _synthesis(low, high, taps, axis) -> tuple[Array, Array]:
    a, b = taps
    even = _filter(low, a, axis, adjoint=True) - _filter(high, b, axis)
    odd = _filter(low, b, axis, adjoint=True) + _filter(high, a, axis)
    return even, odd


def _filter(x: Array, taps: tuple[float, ...], axis: int, *, adjoint=False) -> Array:
    """Return ``sum_i taps[i] x[k + i]`` along a periodic axis, or its adjoint."""
    step = 1 if adjoint else -1
    total = taps[0] * x
    for i, tap in enumerate(taps[1:], start=1):
        total += tap * get_array_module(x).roll(x, step * i, axis)
    return total
