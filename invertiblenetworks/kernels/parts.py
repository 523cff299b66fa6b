"""Parts of arrays that stay in the cache while they go through several steps.

They also bound what functions that need temporary arrays take. On a device that would
cost a launch for each step of each part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .._types import Array
from ..backend import get_array_module, on_host
from .channels import SPATIAL_AXIS, n_channels
from .memory import in_tile, steps
from .patches import tiles

ENTRIES = 2**17
"""Entries of a part of a flat array."""

FEW_ENTRIES = 2**15
"""The same where there are several arrays, or temporary ones."""


def by_parts(function: Callable, *arrays: Array) -> None:
    """Call an elementwise function that works in place on parts of arrays of the CPU.

    Parameters
    ----------
    function : callable
    *arrays : array
        Of one shape, without gaps, and in C order.
    """
    flat, length = [array.reshape(-1) for array in arrays], in_tile(ENTRIES)
    for start in steps(range(0, flat[0].size, length)):
        function(*(array[start : start + length] for array in flat))


def parts_of_images(x: Array) -> Iterable:
    """Indices of parts of ``(N, C, *spatial)`` with all channels; one on a device."""
    if x.ndim == SPATIAL_AXIS or not on_host(get_array_module(x)):
        return [...]
    n_pixels = in_tile(FEW_ENTRIES // max(1, n_channels(x)))
    all_tiles = tiles(len(x), x.shape[2:], n_pixels)
    return steps([(samples, slice(None), rows) for samples, rows in all_tiles])
