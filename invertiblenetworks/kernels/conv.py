"""Convolution in one to three dimensions and its adjoints in both arguments.

The three functions are one bilinear map and its two adjoints::

    <conv(x, w), dy> = <x, conv_adjoint_x(dy, w, ...)> = <w, conv_adjoint_w(dy, x, ...)>

As usual in neural networks "convolution" means cross-correlation: the kernel is not
flipped.
"""

from __future__ import annotations

import functools

from .._types import Array, Shape
from ..backend import get_array_module
from ..errors import describe, expect, message
from .conv_tiled import by_tap, correlate, from_taps, transform
from .householder import channel_gram
from .patches import Geometry
from .products import product

VECTORS = 2
"""Number of axes of arrays (N, C) without pixels; all three maps are one product."""


def conv_shape(
    spatial: Shape,
    kernel: Shape,
    *,
    stride: int | Shape = 1,
    pad: int | Shape = 0,
) -> Shape:
    """Spatial shape of the result of `conv`.

    Parameters
    ----------
    spatial : tuple of int
        Spatial shape of the images, one to three axes.
    kernel : tuple of int
        Spatial shape of the kernels.
    stride : int or tuple of int, default 1
        Distance between neighbouring outputs, in pixels of the input.
    pad : int or tuple of int, default 0
        Number of zeros assumed beyond both ends of each axis.

    Returns
    -------
    tuple of int
        ``(spatial + 2 * pad - kernel) // stride + 1`` on each axis.

    Raises
    ------
    ValueError
        If the result would be empty or an argument does not fit the spatial axes.

    Examples
    --------
    >>> conv_shape((8, 6), (3, 3), stride=(2, 1), pad=1)
    (4, 6)
    """
    return conv_geometry(
        "conv_shape", tuple(spatial), tuple(kernel), _hashable(stride), _hashable(pad)
    ).target


def conv(
    x: Array,
    w: Array,
    *,
    stride: int | Shape = 1,
    pad: int | Shape = 0,
) -> Array:
    """Cross-correlate images with a bank of kernels; images are zero outside.

    Parameters
    ----------
    x : array, shape (N, C_in, *spatial)
        Images with one to three spatial axes; or vectors, with kernels (C_out, C_in).
    w : array, shape (C_out, C_in, *kernel)
        One kernel per pair of channels, of the dtype of ``x``.
    stride, pad : int or tuple of int
        See `conv_shape`.

    Returns
    -------
    array, shape (N, C_out, *conv_shape(spatial, kernel))

    Raises
    ------
    ValueError
        If shapes do not fit together.
    TypeError
        If dtypes or array libraries differ.

    Notes
    -----
    ``y[n, o, t] = sum over c, k of w[o, c, k] * x[n, c, stride * t + k - pad]``.

    A 1x1 convolution is one matrix product. All others copy one view of the images
    per tap of the kernel, before the product or after it, wherever there are fewer
    channels; with about as many on both sides, for the taps of the first axis after
    it and for those of the others before (Chellapilla, Puri and Simard, 2006, "High
    performance convolutional neural networks for document processing"; Anderson et
    al., arXiv:1709.03395). Beyond the result they need a workspace of bounded size,
    see `kernels.conv_tiled`.

    Examples
    --------
    >>> import numpy as np
    >>> conv(np.ones((1, 1, 4)), np.ones((1, 1, 3)), pad=1)
    array([[[2., 3., 3., 2.]]])
    """
    _expect_same_kind("conv", x, w)
    if x.ndim == w.ndim == VECTORS:
        return product(x, w.T)
    geometry = conv_geometry(
        "conv", x.shape[2:], w.shape[2:], _hashable(stride), _hashable(pad)
    )
    _expect_shape("conv", "x", x, (len(x), w.shape[1], *geometry.source))
    return transform(x, by_tap(w), geometry)


def conv_adjoint_x(
    dy: Array,
    w: Array,
    spatial: Shape,
    *,
    stride: int | Shape = 1,
    pad: int | Shape = 0,
) -> Array:
    """Adjoint of `conv` in the images. Used forwards: transposed convolution.

    Parameters
    ----------
    dy : array, shape (N, C_out, *conv_shape(spatial, kernel))
        Cotangent of the result of `conv`.
    w : array, shape (C_out, C_in, *kernel)
        The kernels.
    spatial : tuple of int
        Spatial shape of the images; with a stride, ``dy`` does not determine it.
    stride, pad : int or tuple of int
        See `conv_shape`.

    Returns
    -------
    array, shape (N, C_in, *spatial)

    Raises
    ------
    ValueError
        If shapes do not fit together.
    TypeError
        If dtypes or array libraries differ.

    Notes
    -----
    ``dx[n, c, s] = sum over o and all (k, t) with stride * t + k - pad = s of
    w[o, c, k] * dy[n, o, t]``.

    Examples
    --------
    >>> import numpy as np
    >>> conv_adjoint_x(np.ones((1, 1, 2)), np.ones((1, 1, 2)), (4,), stride=2)
    array([[[1., 1., 1., 1.]]])
    """
    _expect_same_kind("conv_adjoint_x", dy, w)
    if dy.ndim == w.ndim == VECTORS:
        return product(dy, w)
    geometry = conv_geometry(
        "conv_adjoint_x", tuple(spatial), w.shape[2:], _hashable(stride), _hashable(pad)
    )
    shape = (len(dy), len(w), *geometry.target)
    _expect_shape("conv_adjoint_x", "dy", dy, shape)
    return transform(dy, by_tap(w).swapaxes(1, 2), geometry.reversed())


def conv_adjoint_w(
    dy: Array,
    x: Array,
    kernel: Shape,
    *,
    stride: int | Shape = 1,
    pad: int | Shape = 0,
) -> Array:
    """Adjoint of `conv` in the kernels.

    Parameters
    ----------
    dy : array, shape (N, C_out, *conv_shape(spatial, kernel))
        Cotangent of the result of `conv`.
    x : array, shape (N, C_in, *spatial)
        The images.
    kernel : tuple of int
        Spatial shape of the kernels.
    stride, pad : int or tuple of int
        See `conv_shape`.

    Returns
    -------
    array, shape (C_out, C_in, *kernel)

    Raises
    ------
    ValueError
        If shapes do not fit together.
    TypeError
        If dtypes or array libraries differ.

    Notes
    -----
    ``dw[o, c, k] = sum over n, t of dy[n, o, t] * x[n, c, stride * t + k - pad]``.

    Examples
    --------
    >>> import numpy as np
    >>> conv_adjoint_w(np.ones((1, 1, 3)), np.arange(4.0)[None, None], (2,))
    array([[[3., 6.]]])
    """
    _expect_same_kind("conv_adjoint_w", dy, x)
    if dy.ndim == x.ndim == VECTORS:
        return channel_gram(dy, x)
    geometry = conv_geometry(
        "conv_adjoint_w", x.shape[2:], tuple(kernel), _hashable(stride), _hashable(pad)
    )
    shape = (len(x), dy.shape[1], *geometry.target)
    _expect_shape("conv_adjoint_w", "dy", dy, shape)
    matrices = correlate(dy, x, geometry)
    return from_taps(matrices, (dy.shape[1], x.shape[1], *geometry.kernel))


def _hashable(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


@functools.lru_cache(maxsize=4096, typed=True)
def conv_geometry(
    where: str, spatial: Shape, kernel: Shape, stride: int | Shape, pad: int | Shape
) -> Geometry:
    """The pixels that a convolution joins; see `conv_shape`.

    ``where`` is what a message begins with.
    """
    rank = len(spatial)
    spatial, kernel = tuple(spatial), tuple(kernel)
    expect(1 <= rank <= 3, where, "one to three spatial axes", str(spatial))
    expect(len(kernel) == rank, where, f"a kernel of {rank} axes", str(kernel))
    stride = per_axis(where, "stride", stride, rank, 1)
    pad = per_axis(where, "pad", pad, rank, 0)
    target = tuple(
        (n_in + 2 * p - k) // s + 1
        for n_in, k, s, p in zip(spatial, kernel, stride, pad, strict=True)
    )
    expect(
        min(spatial) > 0 and min(kernel) > 0 and min(target) > 0,
        where,
        f"a kernel that fits into images of spatial shape {spatial} with pad {pad}",
        f"a kernel of shape {kernel}",
    )
    return Geometry(spatial, target, kernel, stride, pad)


def per_axis(where: str, name: str, value: int | Shape, rank: int, least: int) -> Shape:
    """Return one number per spatial axis, from one for all or from one for each.

    Raises
    ------
    ValueError
        Unless they are integers of at least ``least``, and as many as ``rank``.
    """
    values = tuple(value) if isinstance(value, tuple | list) else (value,) * rank
    expect(
        len(values) == rank and all(isinstance(v, int) and v >= least for v in values),
        where,
        f"{name} to be an integer of at least {least}, or {rank} of them",
        repr(value),
    )
    return values


def _expect_same_kind(where: str, a: Array, b: Array) -> None:
    get_array_module(a, b)
    if a.dtype != b.dtype:
        raise TypeError(
            message(where, "two arrays of the same dtype", describe((a, b)))
        )


def _expect_shape(where: str, name: str, array: Array, shape: Shape) -> None:
    expect(array.shape == shape, where, f"{name} of shape {shape}", array)
