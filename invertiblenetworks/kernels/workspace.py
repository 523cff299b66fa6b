"""Memory that kernels use again: from tile to tile, from layer to layer, call to call.

Fresh memory costs a page fault for every few thousand bytes, which is as much as the
arithmetic of an elementwise function.

A thread that calls keeps it: one store for itself, and one more for each worker with
which it shares its work. So what a call keeps depends on the call alone, not on which
worker happens to do what, nor on the calls of other threads.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from .._types import Array, Shape
from ..backend import get_array_module, on_host
from .loans import Loans


class Store:
    """Memory that one thread at a time uses, and that is kept.

    Attributes
    ----------
    by_role : dict
        Scratch memory, see `scratch`.
    views : dict
        By role the array that was asked for last, which is often asked for again.
    widths : dict
        By role the columns before the gap of a `scratch_rows` that is zero there.
    free : list
        Memory that waits for the next `Lease`.
    gradients : Loans
        That of `empty_gradient`.
    """

    def __init__(self):
        self.by_role: dict[str, Array | None] = {}
        self.views: dict[str, Array | None] = {}
        self.widths: dict[str, int] = {}
        self.free: list[Array] = []
        self.gradients = Loans()

    @property
    def nbytes(self) -> int:
        """Bytes of all that is kept."""
        kept = [*self.by_role.values(), *self.free]
        others = sum(memory.nbytes for memory in kept if memory is not None)
        return self.gradients.nbytes + others

    def release(self) -> int:
        """Let go of all; returns its bytes."""
        n_bytes = self.nbytes
        self.by_role.clear()
        self.views.clear()
        self.widths.clear()
        self.free.clear()
        self.gradients.release()
        return n_bytes


class _Here(threading.local):
    """The stores of one calling thread, and the one in use."""

    def __init__(self):
        self.stores: list[Store] = []
        (self.store,) = self.first(1)
        self.results: list[Lease] | None = None

    def first(self, number: int) -> list[Store]:
        while len(self.stores) < number:
            store = Store()
            self.stores.append(store)
            _all_stores.add(store)
        return self.stores[:number]


_all_stores: weakref.WeakSet[Store] = weakref.WeakSet()
_here = _Here()


LEARNED_BYTES = 2**20

# States of vectors would else be given back to the system after each layer, and fetched
# again page by page. The C library of GNU keeps free memory of up to twice the largest
# array that a process has freed; this one is never touched.
np.empty(LEARNED_BYTES, np.uint8)


def stores_of_shares(number: int) -> list[Store]:
    """Stores for so many shares of the work of this thread, the first its own."""
    return _here.first(number)


@contextmanager
def using_store(store: Store) -> Iterator[None]:
    """Let the block take its memory from a store of the thread that it works for."""
    before, _here.store = _here.store, store
    try:
        yield
    finally:
        _here.store = before


def _store(xp) -> Store:
    """Where arrays of this module take their memory from.

    A module that only plans memory has a store, to see what a call of its own needs. On
    a device memory is fresh, and CuPy's pool uses it again.
    """
    return _here.store if xp is np else getattr(xp, "store", None) or Store()


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
    xp = get_array_module(like)
    return _view(_store(xp), xp, role, shape, like)


def _view(store: Store, xp, role: str, shape: Shape, like: Array) -> Array:
    view = store.views.get(role)
    if view is not None and view.shape == shape and view.dtype == like.dtype:
        return view  # The usual case, asked often.
    store.widths.pop(role, None)
    by_role, n_bytes = store.by_role, _n_bytes(shape, like)
    memory = by_role.get(role)
    if memory is None or memory.size < n_bytes:
        # The old one goes before the new one comes.
        store.views[role] = by_role[role] = memory = view = None
        memory = by_role[role] = _empty(n_bytes, xp)
    view = store.views[role] = memory[:n_bytes].view(like.dtype).reshape(shape)
    return view


LINE = 64
"""Bytes of a line of the cache."""


def row_length(n_columns: int, like: Array) -> int:
    """Numbers from one row of a matrix to the next, for rows a little apart.

    Rows begin on lines of the cache, and with a line more than they need: rows of
    a power of two of bytes would all begin in the same few places of the cache, and
    drive each other out.
    """
    in_line = LINE // like.dtype.itemsize
    return (-(-n_columns // in_line) + 1) * in_line


def scratch_rows(role: str, n_rows: int, n_columns: int, like: Array) -> Array:
    """Matrix in scratch memory for so many columns, and a gap at the end of each row.

    An elementwise function is faster with the gaps than without. They are zero in
    a matrix that has other gaps than the last one, and else what its user left there,
    who must not let them grow.
    """
    xp, shape = get_array_module(like), (n_rows, row_length(n_columns, like))
    store = _store(xp)
    matrix = _view(store, xp, role, shape, like)
    if store.widths.get(role) != n_columns:
        store.widths[role] = n_columns
        matrix[:, n_columns:] = 0
    return matrix


def scratch_matrix(role: str, n_rows: int, n_columns: int, like: Array) -> Array:
    """The same without the gaps."""
    return scratch(role, (n_rows, row_length(n_columns, like)), like)[:, :n_columns]


WASTE = 2
"""How many times too large memory may be for a lease that fits."""

_fitting: ContextVar[bool] = ContextVar("fitting", default=False)


@contextmanager
def fitting_leases() -> Iterator[None]:
    """Let leases inside of the block have no memory that is far too large for them.

    For arrays that are kept while further ones are asked for.
    """
    token = _fitting.set(True)
    try:
        yield
    finally:
        _fitting.reset(token)


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
        self._free, self._memory = [], None
        xp, n_bytes = get_array_module(like), _n_bytes(shape, like)
        free = _store(xp).free
        memory = _take(free, n_bytes)
        self._memory = _empty(n_bytes, xp) if memory is None else memory
        self._free = free
        self.array = self._memory[:n_bytes].view(like.dtype).reshape(shape)

    def __del__(self):
        self._free.append(self._memory)


def _take(free: list[Array], n_bytes: int) -> Array | None:
    """Take the smallest memory that is large enough, or none and drop the largest.

    Leases may end on any thread, but they only append to the list.
    """
    if not free:
        return None
    sizes = [memory.size for memory in free]
    enough = [size for size in sizes if size >= n_bytes]
    if enough and _fitting.get() and min(enough) > WASTE * n_bytes:
        return None
    memory = free.pop(sizes.index(min(enough) if enough else max(sizes)))
    return memory if enough else None


@contextmanager
def passing_results() -> Iterator[None]:
    """Let results of conditioners inside of the block be in memory that is used again.

    For who is done with them at its end: they must not be used after the block. Results
    are what kernels make with `empty_result`: those of a net, never the cotangents that
    it passes back. What a worker takes is then the same whenever it takes it, early or
    late beside others.
    """
    before, _here.results = _here.results, []
    try:
        yield
    finally:
        _here.results = before


def empty_result(shape: Shape, like: Array) -> Array:
    """Return an array of any content for a result, see `passing_results`.

    Parameters
    ----------
    shape : tuple of int
    like : array
        Gives the type.
    """
    xp, results = get_array_module(like), _here.results
    if results is None or not on_host(xp):
        return xp.empty(shape, like.dtype)
    with fitting_leases():  # They last while others are asked for.
        lease = Lease(shape, like)
    results.append(lease)
    return lease.array


LEAST_LOAN = 2**19
"""Bytes of a gradient that is lent its memory. Others are not worth objects of Python,
which in a deep network of few hidden channels would be most of what grows with it."""


def empty_gradient(shape: Shape, like: Array) -> Array:
    """Return an array of any content for the gradient of a parameter.

    Not for what is used on the way to it: that would never wait for the next step, see
    `keeping_gradients`. It is its user's for as long as they want.

    Parameters
    ----------
    shape : tuple of int
    like : array
        Gives the type.
    """
    xp = get_array_module(like)
    if xp is not np or _n_bytes(shape, like) < LEAST_LOAN:
        return xp.empty(shape, like.dtype)
    return _here.store.gradients.empty(shape, like.dtype)


@contextmanager
def keeping_gradients() -> Iterator[None]:
    """Let memory of gradients that this thread forgets inside wait for others."""
    before = [(store.gradients, store.gradients.takes_back) for store in _here.stores]
    try:
        for loans, _ in before:
            loans.takes_back = True
        yield
    finally:
        for loans, took_back in before:
            loans.takes_back = took_back


def release_workspaces() -> int:
    """Let go of the memory that is kept between calls.

    Kernels keep what they need for a part of their work, to use it for the next part,
    the next layer and the next call; ``clear_grad`` keeps the memory of gradients that
    nobody else holds, for those of the next step. Not to be called while another thread
    is in a call.

    Returns
    -------
    int
        Number of bytes.

    Examples
    --------
    >>> from invertiblenetworks import release_workspaces
    >>> n_bytes = release_workspaces()
    >>> release_workspaces()
    0
    """
    return sum(store.release() for store in list(_all_stores))


def release_own_workspaces() -> int:
    """The same for what is kept for calls of this thread."""
    return sum(store.release() for store in _here.stores)


def _empty(n_bytes: int, xp) -> Array:
    """Fresh memory that begins with a line of the cache, as a device's always does.

    NumPy's is 16 bytes off. Vectors of the processor are as long as a line, so every
    one of them would lie in two.
    """
    if not on_host(xp):
        return xp.empty(n_bytes, np.uint8)
    memory = xp.empty(n_bytes + LINE, np.uint8)
    start = -memory.ctypes.data % LINE if xp is np else 0
    return memory[start : start + n_bytes]


def _n_bytes(shape: Shape, like: Array) -> int:
    return math.prod(shape) * like.dtype.itemsize
