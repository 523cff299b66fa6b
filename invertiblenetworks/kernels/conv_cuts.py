"""How the work of a convolution is cut: into maps, shares of workers, and tiles."""

from __future__ import annotations

import math

from .._types import Array, Shape
from ..backend import get_array_module, has_cuda_kernels, on_host
from . import conv_cuda, workers
from .memory import in_tile
from .patches import Geometry, Tile, tiles

HOST_BYTES = 2**22
"""Bytes of one tile of a transform on the CPU: large, since its rows are added."""

CORRELATED_BYTES = 2**19
"""Bytes of one tile of a correlation, a part of the second-level cache."""

LEAST_WORK = 2**24
"""Multiplications for which it does not pay to wake another thread."""

HOST_PIXELS = 512
"""Pixels that a tile has in any case, for the sake of the product."""

PAYS = 1.1
"""How many times less work a thread has to have for samples to be cut."""


def axes_after(n_source: int, n_target: int, geometry: Geometry) -> int:
    """Number of leading axes whose taps are added after the product.

    It is what copies least: none, all, or the first axis only.
    """
    n_axes = len(geometry.kernel)

    def n_values(n_after: int) -> int:
        before, after = geometry.cut(n_after)
        n_rows = before.n_taps * n_source + after.n_taps * n_target
        return n_rows * math.prod(before.target)

    return min((0, n_axes, 1), key=n_values)


def worth(n_multiplications: int, like: Array) -> int:
    """Number of threads that there is work enough for; on a device one."""
    on_cpu = on_host(get_array_module(like))
    return n_multiplications // LEAST_WORK if on_cpu else 1


def multiplications(images: Array, n_target: int, geometry: Geometry) -> int:
    """About the number of them in a convolution."""
    n_pixels = min(math.prod(geometry.source), math.prod(geometry.target))
    n_values = len(images) * images.shape[1] * n_target
    return n_values * n_pixels * geometry.n_taps


def strips(n_samples: int, n_rows: int, halo: int, n_threads: int) -> list[list[Tile]]:
    """Share a batch of targets: for each worker some samples, of all or some rows.

    Whole samples, unless rows are shared out much more evenly: a product has ``halo``
    rows more wherever a sample is cut.
    """
    n_parts = max(1, min(n_threads, workers.n_workers(), n_samples * n_rows))
    most_whole = n_rows * -(-n_samples // n_parts)
    most_cut = -(-n_samples * n_rows // n_parts) + 2 * halo
    if PAYS * most_cut >= most_whole:
        parts = workers.even_parts(n_samples, min(n_parts, n_samples))
        return [[(samples, slice(0, n_rows))] for samples in parts]
    parts = workers.even_parts(n_samples * n_rows, n_parts)
    return [_strips_of(part, n_rows) for part in parts]


def _strips_of(part: slice, n_rows: int) -> list[Tile]:
    """The rows of a few samples, counted one after the other: at most three strips."""
    (first, start), (last, stop) = divmod(part.start, n_rows), divmod(part.stop, n_rows)
    if first == last:
        return [(slice(first, first + 1), slice(start, stop))]
    found = [(slice(first, first + 1), slice(start, n_rows))] if start else []
    whole = slice(first + bool(start), last)
    if whole.start < whole.stop:
        found.append((whole, slice(0, n_rows)))
    return [*found, (slice(last, last + 1), slice(0, stop))] if stop else found


def tiles_of_transform(
    images: Array, n_rows: int, spatial: Shape, *, one_image: bool
) -> tuple[Tile, ...]:
    """Tiles of ``spatial`` for products with together ``n_rows`` rows per pixel.

    With ``one_image`` they are of one image each, if that is not too small: then what
    is no column needs no copy.
    """
    return _tiles(images, n_rows, spatial, one_image, HOST_BYTES)


def tiles_of_correlation(
    images: Array, n_rows: int, spatial: Shape, *, one_image: bool
) -> tuple[Tile, ...]:
    """The same for a gradient of weights."""
    return _tiles(images, n_rows, spatial, one_image, CORRELATED_BYTES)


def samples_of_correlation(n_bytes: int) -> int:
    """How many samples to take at a time, whose products have so many bytes each."""
    return max(1, CORRELATED_BYTES // n_bytes)


def _tiles(images, n_rows, spatial, one_image, n_bytes) -> tuple[Tile, ...]:
    xp = get_array_module(images)
    row_bytes = n_rows * images.dtype.itemsize
    if has_cuda_kernels(xp):
        n_pixels = conv_cuda.DEVICE_BYTES // row_bytes
    else:
        n_pixels = in_tile(max(HOST_PIXELS, n_bytes // row_bytes))
        if one_image and math.prod(spatial) >= HOST_PIXELS:
            n_pixels = min(n_pixels, math.prod(spatial))
    return tiles(len(images), spatial, n_pixels)
