"""Memory that kernels use again: from tile to tile, from layer to layer, call to call.

Fresh memory costs a page fault for every few thousand bytes, which is as much as the
arithmetic of an elementwise function.
"""

from __future__ import annotations

import math
import threading
import weakref

import numpy as np

from .._types import Array, Shape
from ..backend import get_array_module


def scratch(role: str, shape: Shape, like: Array) -> Array:
    """Array of any content in the memory that this thread has for ``role``.

    A role may be asked for again only when its last array is no longer needed. So a
    kernel uses scratch between two lines of its own, and never hands it out.

    Parameters
    ----------
    role : str
        What the array is for.
    shape : tuple of int
    like : array
        Gives the type.
    """
    xp, n_bytes = get_array_module(like), _n_bytes(shape, like)
    store = _scratch.by_role(xp)
    memory = store.get(role)
    if memory is None or memory.size < n_bytes:
        store.pop(role, None)
        memory = store[role] = xp.empty(n_bytes, np.uint8)
    return memory[:n_bytes].view(like.dtype).reshape(shape)


class Lease:
    """An array in memory that is used again when the lease is no longer held.

    Parameters
    ----------
    shape : tuple of int
    like : array
        Gives the type.

    Attributes
    ----------
    array : array
        Any content. It must not be used after the lease.
    """

    def __init__(self, shape: Shape, like: Array):
        n_bytes = _n_bytes(shape, like)
        self._memory, self._pool = _leased.take(get_array_module(like), n_bytes)
        self.array = self._memory[:n_bytes].view(like.dtype).reshape(shape)

    def __del__(self):
        self._pool.append(self._memory)


def release_workspaces() -> int:
    """Let go of the memory that is kept between calls; returns its bytes.

    Not to be called while another thread is in a call.
    """
    return _scratch.release() + _leased.release()


def _n_bytes(shape: Shape, like: Array) -> int:
    return math.prod(shape) * like.dtype.itemsize


class _Scratch(threading.local):
    """Memory by role: one store for each thread."""

    stores: weakref.WeakSet = weakref.WeakSet()

    def __init__(self):
        self._store = _Store()
        self.stores.add(self._store)

    def by_role(self, xp) -> dict:
        # A module that only plans memory has to see what a call of its own needs.
        return xp.scratch if hasattr(xp, "scratch") else self._store

    def release(self) -> int:
        n_bytes = 0
        for store in list(self.stores):
            n_bytes += sum(memory.nbytes for memory in store.values())
            store.clear()
        return n_bytes


class _Store(dict):
    __slots__ = ("__weakref__",)
    __hash__ = object.__hash__


class _Leased:
    """Memory that is free for the next lease."""

    def __init__(self):
        self._free: list[Array] = []
        self._lock = threading.Lock()

    def take(self, xp, n_bytes: int) -> tuple[Array, list[Array]]:
        """Return memory of at least this size, and where to put it afterwards."""
        pool = xp.leased if hasattr(xp, "leased") else self._free
        with self._lock:
            pool.sort(key=lambda memory: memory.size)
            # The largest serves all sizes; one that does not is replaced.
            memory = pool.pop() if pool else None
        if memory is None or memory.size < n_bytes:
            memory = None
            memory = xp.empty(n_bytes, np.uint8)
        return memory, pool

    def release(self) -> int:
        with self._lock:
            n_bytes = sum(memory.nbytes for memory in self._free)
            self._free.clear()
        return n_bytes


_scratch, _leased = _Scratch(), _Leased()
