"""Convolution in one to three dimensions and its adjoints in both arguments."""

from __future__ import annotations

from .._types import Array, Shape
from ..backend import get_array_module
from ..errors import expect
from .conv_tiled import columns_from_source, correlate, transform
from .patches import Geometry


def conv_shape(
    spatial: Shape,
    kernel: Shape,
    *,
    stride: int | tuple[int, ...] = 1,
    pad: int | tuple[int, ...] = 0,
) -> Shape:
    """Spatial shape of the result of a convolution."""
    return _geometry("conv_shape", spatial, kernel, stride, pad).target


def conv(
    x: Array,
    w: Array,
    *,
    stride: int | tuple[int, ...] = 1,
    pad: int | tuple[int, ...] = 0,
) -> Array:
    """Cross-correlate images with a bank of kernels, zeros outside the image."""
    geometry = _geometry("conv", x.shape[2:], w.shape[2:], stride, pad)
    return transform(x, _by_tap(w), geometry)


def conv_adjoint_x(
    dy: Array,
    w: Array,
    spatial: Shape,
    *,
    stride: int | tuple[int, ...] = 1,
    pad: int | tuple[int, ...] = 0,
) -> Array:
    """Adjoint of `conv` in the images; forwards it is the transposed convolution."""
    geometry = _geometry("conv_adjoint_x", spatial, w.shape[2:], stride, pad)
    return transform(dy, _by_tap(w).swapaxes(1, 2), geometry.reversed())


def conv_adjoint_w(
    dy: Array,
    x: Array,
    kernel: Shape,
    *,
    stride: int | tuple[int, ...] = 1,
    pad: int | tuple[int, ...] = 0,
) -> Array:
    """Adjoint of `conv` in the kernels."""
    geometry = _geometry("conv_adjoint_w", x.shape[2:], kernel, stride, pad)
    if columns_from_source(x.shape[1], dy.shape[1], geometry):
        dw = correlate(dy, x, geometry).swapaxes(1, 2)  # (C_out, C_in, K)
    else:
        dw = correlate(x, dy, geometry.reversed()).transpose(2, 0, 1)
    dw = get_array_module(dy).ascontiguousarray(dw)
    return dw.reshape(dy.shape[1], x.shape[1], *geometry.kernel)


def _geometry(where, spatial, kernel, stride, pad) -> Geometry:
    rank = len(spatial)
    stride, pad = _per_axis(stride, rank), _per_axis(pad, rank)
    out = tuple(
        (n + 2 * p - k) // s + 1 for n, k, s, p in zip(spatial, kernel, stride, pad)
    )
    expect(
        len(kernel) == rank and min(out, default=1) > 0,
        where,
        f"a kernel that fits into images of spatial shape {tuple(spatial)} with "
        f"pad {pad}",
        f"kernel {tuple(kernel)}",
    )
    return Geometry(tuple(spatial), out, tuple(kernel), stride, pad)


def _per_axis(value, rank) -> Shape:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _by_tap(w) -> Array:
    """View kernels ``(C_out, C_in, *K)`` as one matrix per tap, ``(K, C_out, C_in)``."""
    return w.reshape(*w.shape[:2], -1).transpose(2, 0, 1)
