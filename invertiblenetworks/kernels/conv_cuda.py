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

from .._types import Array, Shape
from ..backend import cupy_module, get_array_module
from . import products_cuda
from .patches import Columns, Geometry, tiles

DEVICE_BYTES = 2**28
"""Bytes of columns held at a time on a GPU, enough to keep all of it busy."""

# One thread for each pixel of a channel, which copies it for each tap: divisions take
# more time than the copies.
_GATHER = """
    Index rest = i;
    const Index t2 = rest % T2; rest /= T2;
    const Index t1 = rest % T1; rest /= T1;
    const Index t0 = rest % T0; rest /= T0;
    const Index c = rest % C;   rest /= C;
    const Index n_pixels = T0 * T1 * T2, pixel = (t0 * T1 + t1) * T2 + t2;
    const Index s0 = t0 - P0;
    const T *row = &image[0] + rest * FROM + (c * S0 + s0) * S1 * S2;
    T *place = &column[0] + (rest * K1 * K2 * C + c) * n_pixels + pixel;
    for (Index k1 = 0; k1 < K1; ++k1) {
        const Index s1 = t1 + k1 - P1;
        for (Index k2 = 0; k2 < K2; ++k2) {
            const Index s2 = t2 + k2 - P2;
            const bool inside = s0 < S0 && s1 < S1 && s2 < S2;
            *place = inside ? row[s1 * S2 + s2] : T(0);
            place += C * n_pixels;
        }
    }
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
        if (s0 < S0 && s1 < S1 && s2 < S2) {
            const Index sample_tap = rest * K0 * K1 * K2 + k;
            sum += column[(((sample_tap * C + c) * S0 + s0) * S1 + s1) * S2 + s2];
        }
    }
    image = ADD ? image + sum : sum;
"""

_SIZES = [
    "FROM",
    "ADD",
    "C",
    *(f"{name}{axis}" for name in "TSKP" for axis in range(3)),
]

_KERNELS = {
    "gather": ("raw T image", "raw T column", _GATHER),
    "scatter": ("raw T column", "T image", _SCATTER),
}

# Without sign: a division takes less time, and what is before the first position is
# beyond the last one.
_C_TYPES = {"int32": "unsigned int", "int64": "unsigned long long"}


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
    images = _with_dense_samples(images)
    n_taps, n_target, n_source = matrices.shape
    if 3 * n_source <= 2 * n_target and _can_gather_all(n_source, geometry, images):
        result = transform(images[:, :, None], matrices, _in_one_row(geometry))
        return result[:, :, 0]
    if n_taps == 1 or n_source <= geometry.kernel[0] * n_target:
        return _gather_then_multiply(images, matrices, geometry)
    return _multiply_then_scatter(images, matrices, geometry)


def correlate(fixed: Array, moved: Array, geometry: Geometry) -> Array:
    """Adjoint of `transform` in the matrices, in the shape ``(K, C_target, C_source)``.

    See `conv_tiled.correlate`; the stride has to be one.
    """
    n_fixed, n_moved = fixed.shape[1], moved.shape[1]
    if n_moved * math.prod(geometry.target) > n_fixed * math.prod(geometry.source):
        # Columns of the other side are smaller.
        return correlate(moved, fixed, geometry.reversed()).swapaxes(1, 2)
    if geometry.reverse:
        return correlate(fixed, moved, _forwards(geometry))[::-1]
    fixed, moved = _with_dense_samples(fixed), _with_dense_samples(moved)
    if 3 * n_moved <= n_fixed and _can_gather_all(n_moved, geometry, moved):
        row = _in_one_row(geometry)
        return correlate(fixed[:, :, None], moved[:, :, None], row)
    n_first, width = geometry.kernel[0], math.prod(geometry.target[1:])
    per_image = math.prod(geometry.target)
    n_rows = geometry.n_taps // n_first * n_moved
    room = per_image * max(n_fixed, n_rows) // (products_cuda.LEAST_SHARE * n_rows)
    room = max(n_first * n_fixed, room)
    total = None
    for samples, rows, columns in _columns(moved, geometry, room):
        other = _pixels(fixed, samples, rows)
        part = products_cuda.correlate(other, columns, n_first, width)
        total = part if total is None else total + part
    per_tap = total.reshape(n_first, n_fixed, -1, n_moved).swapaxes(1, 2)
    return per_tap.reshape(geometry.n_taps, n_fixed, n_moved)


@functools.lru_cache(maxsize=256)
def _forwards(geometry: Geometry) -> Geometry:
    """The same map as a convolution of its source, with the taps in reversed order."""
    pad = tuple(k - 1 - p for k, p in zip(geometry.kernel, geometry.pad, strict=True))
    return dataclasses.replace(geometry, pad=pad, reverse=False)


def _can_gather_all(n_channels, geometry, images) -> bool:
    """Whether the taps of the first axis can have copies of their own, too.

    With few channels the copies cost less than several products, each of which reads
    and writes all that is on the other side.
    """
    n_rows = n_channels * geometry.n_taps
    n_bytes = n_rows * math.prod(geometry.target) * images.itemsize
    return (
        len(geometry.kernel) < 3 and geometry.kernel[0] > 1 and n_bytes < DEVICE_BYTES
    )


@functools.lru_cache(maxsize=256)
def _in_one_row(geometry: Geometry) -> Geometry:
    """The same map of images with one more axis, the first, of one position."""
    return dataclasses.replace(
        geometry,
        source=(1, *geometry.source),
        target=(1, *geometry.target),
        kernel=(1, *geometry.kernel),
        stride=(1, *geometry.stride),
        pad=(0, *geometry.pad),
    )


def _gather_then_multiply(images, matrices, geometry) -> Array:
    xp = get_array_module(images)
    n_first, n_target = geometry.kernel[0], matrices.shape[1]
    matrices = matrices.reshape(n_first, -1, *matrices.shape[1:]).swapaxes(1, 2)
    matrices = matrices.reshape(n_first, n_target, -1)
    if geometry.n_taps > 1:
        matrices = xp.ascontiguousarray(matrices)
    result = xp.empty((len(images), n_target, *geometry.target), images.dtype)
    width = math.prod(geometry.target[1:])
    for samples, rows, columns in _columns(images, geometry):
        part = _pixels(result, samples, rows)
        for tap, matrix in enumerate(matrices):
            window = columns[:, :, tap * width : tap * width + part.shape[2]]
            products_cuda.multiply(matrix[None], window, part, add=tap > 0)
    return result


def _multiply_then_scatter(images, matrices, geometry) -> Array:
    xp = get_array_module(images)
    n_taps, n_target, n_source = matrices.shape
    n_rows = n_taps * n_target
    matrix = xp.ascontiguousarray(matrices.reshape(n_rows, n_source))
    result = xp.empty((len(images), n_target, *geometry.target), images.dtype)
    columns = Columns(images)
    n_pixels = DEVICE_BYTES // (n_rows * images.dtype.itemsize)
    for samples, rows in tiles(len(images), geometry.source, n_pixels):
        tile, part = _pixels(images, samples, rows), result[samples]
        product = columns.empty((len(tile), n_rows, tile.shape[2]))
        products_cuda.multiply(matrix[None], tile, product)
        part_geometry, add = geometry.from_rows(rows), rows.start > 0
        _copy("scatter", product, part, n_target, geometry.target, part_geometry, add)
    return result


def _columns(images, geometry, room=0) -> Iterator[tuple[slice, slice, Array]]:
    """Tiles (samples, rows) of the target and the matrices of what the taps see there.

    A matrix has rows for the taps of all axes but the first, times the channels. From
    pixel ``i * width`` on it is what tap ``i`` of the first axis sees. A tile leaves
    memory for ``room`` numbers for each sample and row.
    """
    n_samples, n_channels = images.shape[:2]
    n_first, width = geometry.kernel[0], math.prod(geometry.target[1:])
    n_rows = geometry.n_taps // n_first * n_channels
    needs_copy = n_rows > n_channels or any(geometry.pad)
    per_image = math.prod(geometry.target)
    n_pixels = DEVICE_BYTES // (n_rows * images.dtype.itemsize)
    n_pixels = n_pixels * per_image // (per_image + room)
    columns = Columns(images)
    for samples, rows in tiles(n_samples, geometry.target, n_pixels):
        seen, first = images[samples], rows.start * width
        if needs_copy:
            seen, first = _gather(seen, geometry.onto_rows(rows), columns), 0
        n_seen = (rows.stop - rows.start + n_first - 1) * width
        matrix = seen.reshape(len(seen), n_rows, -1)
        yield samples, rows, matrix[:, :, first : first + n_seen]


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


def _copy(name, read, written, n_channels, target, geometry, add=False) -> None:
    """Launch one of the kernels, with the faster 32-bit indices where they suffice."""
    from_sample = read.strides[0] // read.itemsize
    last = max(len(read) * from_sample, read.size, written.size)
    index = "int32" if last < 2**31 else "int64"
    numbers = (
        from_sample,
        int(add),
        n_channels,
        *_on_three_axes(target, 1),
        *_on_three_axes(geometry.source, 1),
        *_on_three_axes(geometry.kernel, 1),
        *_on_three_axes(geometry.pad, 0),
    )
    n_threads = len(written) * n_channels * math.prod(target)
    size = {"size": n_threads} if name == "gather" else {}
    _kernel(name, index)(read, *numbers, written, **size)


def _on_three_axes(values, neutral) -> Shape:
    return (*values, *[neutral] * (3 - len(values)))


def _with_dense_samples(images) -> Array:
    """Return images whose samples have no gaps, though there may be some between them.

    Those of a part of the channels are so. Others are copied.
    """
    dense, size = True, images.itemsize
    for n, stride in zip(images.shape[:0:-1], images.strides[:0:-1], strict=True):
        dense = dense and (n == 1 or stride == size)
        size *= n
    dense = dense and (images.strides[0] >= size or len(images) == 1)
    return images if dense else get_array_module(images).ascontiguousarray(images)


def _pixels(images, samples, rows) -> Array:
    """View some samples and rows of images as matrices ``(N, C, pixels)``."""
    width = math.prod(images.shape[3:])
    flat = images.reshape(*images.shape[:2], -1)
    return flat[samples, :, rows.start * width : rows.stop * width]
