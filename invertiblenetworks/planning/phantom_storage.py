"""What a phantom array is: a layout, and a share of a buffer that is only counted."""

from __future__ import annotations

import sys
from operator import attrgetter

import numpy as np

from .phantom_layout import Carrier, overlap
from .phantom_memory import Buffer, Memory

_VIEW = np.empty((1, 1))[:]

# An array as an object of Python is small, but deep networks have many.
OBJECT_BYTES = sys.getsizeof(_VIEW[0, 0, ...])
AXIS_BYTES = sys.getsizeof(_VIEW[0]) - OBJECT_BYTES


class Storage:
    """A layout in a buffer of bytes that only count.

    Parameters
    ----------
    carrier : numpy.ndarray
        The layout, see `phantom_layout`.
    buffer : Buffer
        The memory that views share.
    owner : bool
        False for a view.
    """

    __slots__ = ("_buffer", "_carrier", "_owner")

    def __init__(self, carrier: Carrier, buffer: Buffer, owner: bool = False):
        self._carrier, self._buffer, self._owner = carrier, buffer, owner
        buffer.memory.current += OBJECT_BYTES + AXIS_BYTES * carrier.ndim

    def __del__(self):
        object_bytes = OBJECT_BYTES + AXIS_BYTES * self._carrier.ndim
        self._buffer.memory.current -= object_bytes

    # The same attributes as a NumPy array has.
    shape = property(attrgetter("_carrier.shape"))
    strides = property(attrgetter("_carrier.strides"))
    dtype = property(attrgetter("_carrier.dtype"))
    ndim = property(attrgetter("_carrier.ndim"))
    size = property(attrgetter("_carrier.size"))
    itemsize = property(attrgetter("_carrier.itemsize"))
    nbytes = property(attrgetter("_carrier.nbytes"))
    flags = property(attrgetter("_carrier.flags"))

    @property
    def base(self) -> Buffer | None:
        """None unless this is a view."""
        return None if self._owner else self._buffer

    @property
    def _memory(self) -> Memory:
        return self._buffer.memory

    def _new(self, carrier: Carrier):
        """Allocate an array of the layout of a carrier, in the memory of this one."""
        return allocate(type(self), self._buffer.memory, carrier)

    def _view(self, carrier: Carrier):
        """Return a view with the layout of a view of the own carrier."""
        return type(self)(carrier, self._buffer)

    def _overlaps(self, other: object, max_work: int = 1) -> bool:
        """True if another array uses some of the same bytes, but in another way."""
        return (
            other is not self
            and isinstance(other, Storage)
            and other._buffer is self._buffer
            and overlap(self._carrier, other._carrier, max_work)
        )


def allocate(kind: type, memory: Memory, carrier: Carrier):
    """Return a new array of class ``kind`` that owns its memory."""
    return kind(carrier, Buffer(memory, carrier.nbytes), True)
