"""Which settings keep a call within a memory limit: the fastest whose plan fits."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .._types import Shape
from ..backend import get_array_module, is_array
from ..base import Layer
from ..base.limits import choose_settings_with
from ..errors import describe, message
from ..kernels.memory import Settings, using
from ..kernels.workers import n_workers
from .peak import expect_plannable, peak_of_call
from .phantom_array import Phantom
from .phantom_layer import phantom_layer_as_it_is
from .phantom_layout import carrier
from .phantom_module import PhantomModule
from .phantom_storage import allocate

LEAST_PIECE_BYTES, MOST_TILE_DIVISOR = 2**16, 16
"""Smaller pieces are mostly overhead, smaller tiles too small for products."""

SHARED_PIECE_BYTES, SHARED_TILE_DIVISOR = 2**18, 4
"""With less, several workers may take longer than half as many with more."""

MIB = 2**20


class Layout(NamedTuple):
    """What of an array decides how much memory a call on it takes."""

    shape: Shape
    strides: Shape
    dtype: np.dtype


class Request(NamedTuple):
    """A call, as far as its memory depends on it."""

    method: str
    arguments: tuple
    options: tuple
    parameters: tuple


@choose_settings_with
def settings_within(
    limit: int, layer: Layer, method: str, *arguments, **options
) -> Settings:
    """Return the most generous settings with which a call takes at most ``limit``.

    Parameters
    ----------
    limit : int
        Bytes, beyond those there are before the call.
    layer : Layer
    method : str
        A public method.
    *arguments, **options
        Of the method of the base class, pairs as tuples.

    Raises
    ------
    MemoryError
        If there are none.
    TypeError
        If the call cannot be planned.
    """
    where = f"{type(layer).__name__}.{method}"
    expect_plannable(where, layer)
    layouts = _layouts(where, arguments)
    state = tuple(
        [
            (p.initialized, p.trainable, p.grad is not None, p.dtype)
            for p in layer.get_params()
        ]
    )
    request = Request(method, layouts, tuple(options.items()), state)
    known, least = _peaks.of(layer), math.inf
    for settings in ladder(n_workers()):
        peak = known.get((request, settings))
        if peak is None:
            peak = known[request, settings] = _planned(layer, request, settings)
        if peak <= limit:
            return settings
        least = min(least, peak)
    named = _in_bytes if limit < MIB // 10 else _in_mib
    wanted = f"a memory limit of at least {named(least, math.ceil)}"
    hint = "Use that, or a smaller batch."
    raise MemoryError(message(where, wanted, named(limit, math.floor), hint))


def ladder(n_allowed: int) -> Iterator[Settings]:
    """Settings from the most generous to the most frugal one.

    Pieces get smaller first, which costs least, and then tiles; then there are fewer
    workers, with pieces and tiles of the same sizes again. For the last one both get
    as small as can be.
    """
    while n_allowed >= 1:
        shared = n_allowed > 1
        n_bytes = Settings().piece_bytes
        least = SHARED_PIECE_BYTES if shared else LEAST_PIECE_BYTES
        while n_bytes > least:
            yield Settings(n_bytes, 1, n_allowed)
            n_bytes //= 2
        divisor, most = 1, SHARED_TILE_DIVISOR if shared else MOST_TILE_DIVISOR
        while divisor <= most:
            yield Settings(least, divisor, n_allowed)
            divisor *= 2
        n_allowed //= 2


class _Peaks:
    """What was planned, for as long as the layer lives."""

    def __init__(self):
        self._by_layer = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, layer: Layer) -> dict[tuple[Request, Settings], int]:
        with self._lock:
            return self._by_layer.setdefault(layer, {})


_peaks = _Peaks()


def _planned(layer: Layer, request: Request, settings: Settings) -> int:
    xp = PhantomModule()
    if request.method == "initialize" or not layer.initialized:
        xp.truth = True  # A first batch is looked at: it counts as one to be used.
    phantom = phantom_layer_as_it_is(layer, xp)
    arguments = _phantoms(xp, request.arguments)
    with using(settings):
        return peak_of_call(
            xp, phantom, request.method, arguments, dict(request.options)
        )


def _layouts(where: str, value):
    """Replace the arrays among arguments by their layouts."""
    if isinstance(value, list | tuple):
        return tuple([_layouts(where, part) for part in value])
    if not is_array(value):
        return value
    if get_array_module(value) is not np:
        wanted = "NumPy arrays under a memory limit"
        hint = "Memory is planned for the CPU only; cut the batch yourself."
        raise TypeError(message(where, wanted, describe(value), hint))
    return Layout(value.shape, value.strides, value.dtype)


def _phantoms(xp: PhantomModule, value):
    if isinstance(value, Layout):
        return allocate(Phantom, xp.memory, carrier(*value))
    if isinstance(value, tuple):
        return tuple([_phantoms(xp, part) for part in value])
    return value


def _in_mib(n_bytes: int, rounded) -> str:
    """Bytes in MiB, rounded so that what is named is enough."""
    digits = 1 if n_bytes >= 10 * MIB else 3
    return f"{rounded(n_bytes / MIB * 10**digits) / 10**digits} MiB"


def _in_bytes(n_bytes: int, rounded) -> str:
    """Few bytes, which would be 0.0 MiB."""
    return f"{rounded(n_bytes)} B"
