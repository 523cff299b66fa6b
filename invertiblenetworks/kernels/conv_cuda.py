"""Convolutions of stride one on CuPy: few launches, little memory, no waiting.

One kernel copies the source once for each tap of all spatial axes but the first.
The taps of the first axis need no copies of their own: in the columns of a sample,
whose rows run over ``height * width`` pixels, tap ``i`` sees those from ``i * width``
on. So each of these taps is one batch of strided matrix products that adds to the
result. Where the target has far fewer channels than the source the product comes
first, and one kernel adds its rows to the target. (CuPy itself has no convolution of
images with channels since version 14 dropped cuDNN.)
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator

import numpy as np

from .._types import Array, Shape
from ..backend import cupy_module, get_array_module
from .patches import Columns, Geometry, tiles

DEVICE_BYTES = 2**28
"""Bytes of columns held at a time on a GPU, enough to keep all of it busy."""

# cuBLAS is given the addresses of these factors, so they have to stay.
_ZERO_AND_ONE = {name: np.array([0, 1], name) for name in ("float32", "float64")}

_GATHER = """
    Index rest = i;
    const Index t2 = rest % T2; rest /= T2;
    const Index t1 = rest % T1; rest /= T1;
    const Index t0 = rest % T0; rest /= T0;
    const Index c = rest % C;   rest /= C;
    const Index k2 = rest % K2; rest /= K2;
    const Index k1 = rest % K1; rest /= K1;
    const Index s0 = t0 - P0, s1 = t1 + k1 - P1, s2 = t2 + k2 - P2;
    const bool inside = 0 <= s0 && s0 < S0 && 0 <= s1 && s1 < S1 && 0 <= s2 && s2 < S2;
    column = inside ? image[(((rest * C + c) * S0 + s0) * S1 + s1) * S2 + s2] : T(0);
"""

_SCATTER = """
    Index rest = i;
    const Index t2 = rest % T2; rest /= T2;
    const Index t1 = rest % T1; rest /= T1;
    const Index t0 = rest % T0; rest /= T0;
    const Index c = rest % C;   rest /= C;
    T sum = 0;
    for (Index k = 0; k < K0 * K1 * K2; ++k) {
        const Index s0 = t0 + k / (K1 * K2) - P0;
        const Index s1 = t1 + k / K2 % K1 - P1;
        const Index s2 = t2 + k % K2 - P2;
        if (0 <= s0 && s0 < S0 && 0 <= s1 && s1 < S1 && 0 <= s2 && s2 < S2) {
            const Index sample_tap = rest * K0 * K1 * K2 + k;
            sum += column[(((sample_tap * C + c) * S0 + s0) * S1 + s1) * S2 + s2];
        }
    }
    image += sum;
"""

_SIZES = ["C", *(f"{name}{axis}" for name in "TSKP" for axis in range(3))]

_KERNELS = {
    "gather": ("raw T image", "T column", _GATHER),
    "scatter": ("raw T column", "T image", _SCATTER),
}

_C_TYPES = {"int32": "int", "int64": "long long"}


@functools.cache
def _kernel(name: str, index: str) -> object:
    """One of the two copying kernels; CuPy compiles it per dtype at its first call."""
    read, written, body = _KERNELS[name]
    sizes = ", ".join(f"{index} {size}" for size in _SIZES)
    return cupy_module().ElementwiseKernel(
        f"{read}, {sizes}",
        written,
        body,
        f"conv_{name}_{index}",
        preamble=f"typedef {_C_TYPES[index]} Index;",
    )


def transform(images: Array, matrices: Array, geometry: Geometry) -> Array:
    """Sum over taps of one matrix times the images moved by that tap.

    See `conv_tiled.transform`; the stride has to be one.
    """
    if geometry.reverse:
        return transform(images, matrices[::-1], _forwards(geometry))
    images = get_array_module(images).ascontiguousarray(images)
    n_taps, n_target, n_source = matrices.shape
    if n_taps == 1 or n_source <= geometry.kernel[0] * n_target:
        return _gather_then_multiply(images, matrices, geometry)
    return _multiply_then_scatter(images, matrices, geometry)


def correlate(fixed: Array, moved: Array, geometry: Geometry) -> Array:
    """Adjoint of `transform` in the matrices, in the shape ``(K, C_target, C_source)``.

    See `conv_tiled.correlate`; the stride has to be one.
    """
    xp, (n_fixed, n_moved) = get_array_module(fixed), (fixed.shape[1], moved.shape[1])
    if n_moved * math.prod(geometry.target) > n_fixed * math.prod(geometry.source):
        # Columns of the other side are smaller.
        return correlate(moved, fixed, geometry.reversed()).swapaxes(1, 2)
    if geometry.reverse:
        return correlate(fixed, moved, _forwards(geometry))[::-1]
    fixed, moved = xp.ascontiguousarray(fixed), xp.ascontiguousarray(moved)
    n_first = geometry.kernel[0]
    n_rows = geometry.n_taps // n_first * n_moved
    total = 0
    for samples, rows, windows in _windows(moved, geometry, n_first * n_fixed):
        other = _pixels(fixed, samples, rows)
        products = xp.empty((n_first, len(other), n_fixed, n_rows), fixed.dtype)
        for window, product in zip(windows, products, strict=True):
            _multiply(other, window, product, transpose_right=True)
        # Atomic additions would be in another order each time; this sum is not.
        total = total + products.sum(axis=1)
    per_tap = total.reshape(n_first, n_fixed, -1, n_moved).swapaxes(1, 2)
    return per_tap.reshape(geometry.n_taps, n_fixed, n_moved)


def _forwards(geometry: Geometry) -> Geometry:
    """The same map as a convolution of its source, with the taps in reversed order."""
    pad = tuple(k - 1 - p for k, p in zip(geometry.kernel, geometry.pad, strict=True))
    return dataclasses.replace(geometry, pad=pad, reverse=False)


def _gather_then_multiply(images, matrices, geometry) -> Array:
    xp = get_array_module(images)
    n_first, n_target = geometry.kernel[0], matrices.shape[1]
    matrices = matrices.reshape(n_first, -1, *matrices.shape[1:]).swapaxes(1, 2)
    matrices = xp.ascontiguousarray(matrices.reshape(n_first, n_target, -1))
    result = xp.empty((len(images), n_target, *geometry.target), images.dtype)
    for samples, rows, windows in _windows(images, geometry):
        part = _pixels(result, samples, rows)
        for tap, (matrix, window) in enumerate(zip(matrices, windows, strict=True)):
            _multiply(_for_each(matrix, part), window, part, add=tap > 0)
    return result


def _multiply_then_scatter(images, matrices, geometry) -> Array:
    xp = get_array_module(images)
    n_taps, n_target, n_source = matrices.shape
    n_rows = n_taps * n_target
    matrix = xp.ascontiguousarray(matrices.reshape(n_rows, n_source))
    result = xp.zeros((len(images), n_target, *geometry.target), images.dtype)
    columns = Columns(images)
    n_pixels = DEVICE_BYTES // (n_rows * images.dtype.itemsize)
    for samples, rows in tiles(len(images), geometry.source, n_pixels):
        tile, part = _pixels(images, samples, rows), result[samples]
        product = columns.empty((len(tile), n_rows, tile.shape[2]))
        _multiply(_for_each(matrix, product), tile, product)
        part_geometry = geometry.from_rows(rows)
        _copy("scatter", product, part, n_target, geometry.target, part_geometry)
    return result


def _windows(images, geometry, n_products=0) -> Iterator[tuple[slice, slice, list]]:
    """Tiles (samples, rows) of the target and what the first axis' taps see there.

    This is a list of matrices ``(N, rows, pixels)``, one for each of those taps: views
    that overlap. Their rows are the taps of the other axes times the channels. A tile
    leaves room for ``n_products`` numbers for each sample and row.
    """
    n_samples, n_channels = images.shape[:2]
    n_first, width = geometry.kernel[0], math.prod(geometry.target[1:])
    n_rows = geometry.n_taps // n_first * n_channels
    needs_copy = n_rows > n_channels or any(geometry.pad)
    per_image = math.prod(geometry.target)
    n_pixels = DEVICE_BYTES // (n_rows * images.dtype.itemsize)
    n_pixels = n_pixels * per_image // (per_image + n_products)
    columns = Columns(images)
    for samples, rows in tiles(n_samples, geometry.target, n_pixels):
        seen, first = images[samples], rows.start * width
        if needs_copy:
            seen, first = _gather(seen, geometry.onto_rows(rows), columns), 0
        matrix = seen.reshape(len(seen), n_rows, -1)
        n_seen = (rows.stop - rows.start) * width
        starts = range(first, first + n_first * width, width)
        yield samples, rows, [matrix[:, :, i : i + n_seen] for i in starts]


def _gather(images, geometry, columns) -> Array:
    """Copy images ``(N, C, *source)`` to ``(N, *kernel[1:], C, rows, *target[1:])``.

    The rows are those of the target and, for the taps of the first axis, a few more.
    """
    n_samples, n_channels = images.shape[:2]
    n_first, *others = geometry.kernel
    shape = (geometry.target[0] + n_first - 1, *geometry.target[1:])
    column = columns.empty((n_samples, *others, n_channels, *shape))
    _copy("gather", images, column, n_channels, shape, geometry)
    return column


def _copy(name, read, written, n_channels, target, geometry) -> None:
    """Launch one of the kernels, with the faster 32-bit indices where they suffice."""
    index = "int32" if max(read.size, written.size) < 2**31 else "int64"
    numbers = (
        n_channels,
        *_on_three_axes(target, 1),
        *_on_three_axes(geometry.source, 1),
        *_on_three_axes(geometry.kernel, 1),
        *_on_three_axes(geometry.pad, 0),
    )
    _kernel(name, index)(read, *numbers, written)


def _on_three_axes(values, neutral) -> Shape:
    return (*values, *[neutral] * (3 - len(values)))


def _pixels(images, samples, rows) -> Array:
    """View some samples and rows of images as matrices ``(N, C, pixels)``."""
    width = math.prod(images.shape[3:])
    flat = images.reshape(*images.shape[:2], -1)
    return flat[samples, :, rows.start * width : rows.stop * width]


def _for_each(matrix, batch) -> Array:
    """View one matrix as one for each sample of a batch."""
    return get_array_module(matrix).broadcast_to(matrix, (len(batch), *matrix.shape))


def _multiply(left, right, out, *, add=False, transpose_right=False) -> None:
    """Write products of two batches of matrices to ``out``, or add them to it.

    Views will do if the rows of each matrix are contiguous; nothing is copied. cuBLAS
    stores matrices by columns, so it is asked for the transpose, right times left.
    """
    cuda = cupy_module("cupy.cuda")
    cublas, dtype = cuda.cublas, out.dtype
    gemm = {
        "float32": cublas.sgemmStridedBatched,
        "float64": cublas.dgemmStridedBatched,
    }[dtype.name]
    zero = _ZERO_AND_ONE[dtype.name].ctypes.data
    one = zero + dtype.itemsize
    gemm(
        cuda.device.get_cublas_handle(),
        cublas.CUBLAS_OP_T if transpose_right else cublas.CUBLAS_OP_N,
        cublas.CUBLAS_OP_N,
        out.shape[2],
        out.shape[1],
        left.shape[2],
        one,
        *_located(right),
        *_located(left),
        one if add else zero,
        *_located(out),
        len(out),
    )


def _located(matrices) -> tuple[int, int, int]:
    """Pointer, distance of two rows and distance of two matrices, as cuBLAS has it."""
    per_matrix, per_row, _ = matrices.strides
    itemsize = matrices.dtype.itemsize
    # The stride of a single row says nothing, and cuBLAS would refuse a small one.
    row = max(per_row // itemsize, matrices.shape[2])
    return matrices.data.ptr, row, per_matrix // itemsize
