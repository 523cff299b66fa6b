"""Parts of arrays that stay in the cache while they go through several steps.

They also bound what functions that need temporary arrays take. On a device that would
cost a launch for each step of each part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from .._types import Array
from ..backend import get_array_module, on_host
from .channels import SPATIAL_AXIS, n_channels
from .memory import in_tile, steps
from .patches import tiles

FLAT_ENTRIES = 2**17
"""Entries of a part of an array of which only the entries count."""

IMAGE_ENTRIES = 2**15
"""Entries of a part of images."""


def by_parts(function: Callable, *arrays: Array) -> None:
    """Call an elementwise function that works in place on parts of arrays of the CPU.

    Parameters
    ----------
    function : callable
    *arrays : array
        Flat ones, of one size.
    """
    length = in_tile(FLAT_ENTRIES)
    for start in steps(range(0, arrays[0].size, length)):
        function(*(array[start : start + length] for array in arrays))


def by_samples(function: Callable, x: Array) -> None:
    """Call a function that works in place on a few samples of ``x`` at a time."""
    per_sample = max(1, math.prod(x.shape[1:]))
    number = max(1, in_tile(FLAT_ENTRIES) // per_sample)
    for start in steps(range(0, len(x), number)):
        function(x[start : start + number])


def parts_of_images(x: Array) -> Iterable[tuple[slice, ...]]:
    """Indices of parts of ``(N, C, *spatial)``, first of samples, with all channels.

    On a device there is one part.
    """
    if x.size == 0 or not on_host(get_array_module(x)):
        return [(slice(None),)]
    n_pixels = in_tile(max(1, IMAGE_ENTRIES // n_channels(x)))
    if x.ndim == SPATIAL_AXIS:
        starts = range(0, len(x), n_pixels)
        return steps([(slice(start, start + n_pixels),) for start in starts])
    all_tiles = tiles(len(x), x.shape[2:], n_pixels)
    return steps([(samples, slice(None), rows) for samples, rows in all_tiles])
