"""What the strict double counts: transfers, synchronisations, launches and bytes."""

from __future__ import annotations

import weakref

import numpy as np

ALIGNMENT = 512  # CuPy's memory pool hands out multiples of this many bytes


class OutOfMemoryError(MemoryError):
    """The limit set on the memory pool would be exceeded."""


class Counters:
    """Events that cost time on a GPU and none in NumPy.

    Attributes
    ----------
    h2d, d2h : int
        Copies from the host to the device and back.
    sync : int
        Times that the host had to wait for the device.
    launches : int
        Calls that may start a kernel (functions that only make a view count too).
    """

    def __init__(self):
        self.reset()

    def reset(self):
        """Set the counts to zero and let the memory peak start from here."""
        self.h2d = 0
        self.d2h = 0
        self.sync = 0
        self.launches = 0
        pool.peak_bytes = pool.live_bytes

    def synchronise(self):
        """A value comes back to the host: a wait and a copy."""
        self.sync += 1
        self.d2h += 1


class MemoryPool:
    """The bytes held by arrays, with the methods of ``cupy.cuda.MemoryPool``."""

    def __init__(self):
        self.live_bytes = 0
        self.peak_bytes = 0
        self.limit = 0

    def reserve(self, size):
        """Count ``size`` bytes, or refuse if they pass the limit."""
        if self.limit and self.live_bytes + size > self.limit:
            raise OutOfMemoryError(
                f"Out of memory allocating {size:,} bytes "
                f"(allocated so far: {self.live_bytes:,} bytes)."
            )
        self.live_bytes += size
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)

    def release(self, size):
        """Stop counting ``size`` bytes."""
        self.live_bytes -= size

    def used_bytes(self):
        return self.live_bytes

    def total_bytes(self):
        return self.live_bytes

    def free_bytes(self):
        return 0

    def free_all_blocks(self, stream=None):
        """Do nothing: this pool keeps no free blocks."""

    def set_limit(self, size):
        """Limit the pool to ``size`` bytes; 0 takes the limit away."""
        self.limit = size

    def get_limit(self):
        return self.limit


pool = MemoryPool()
counters = Counters()


class Allocation:
    """One device allocation, given back when its last view dies.

    Parameters
    ----------
    owner : numpy.ndarray
        The array that owns the memory.
    """

    def __init__(self, owner):
        self.owner = owner
        self.size = 0  # so that an allocation that was refused releases nothing
        padded = -(-owner.nbytes // ALIGNMENT) * ALIGNMENT
        pool.reserve(padded)
        self.size = padded

    def __del__(self):
        pool.release(self.size)


_allocations = weakref.WeakValueDictionary()


def allocation_of(array):
    """Return the allocation that a NumPy array lives in; make it if it is new."""
    owner = _owner(array)
    allocation = _allocations.get(id(owner))
    if allocation is None:
        allocation = Allocation(owner)
        _allocations[id(owner)] = allocation
    return allocation


def _owner(array):
    # as_strided puts an object that is no array between a view and its base.
    owner = array
    base = array.base
    while base is not None:
        if isinstance(base, np.ndarray):
            owner = base
        base = getattr(base, "base", None)
    return owner
