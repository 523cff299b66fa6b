"""Memory that is lent to arrays.

Training forgets all gradients of a network in each step and makes as many anew. What
is more than the allocator of the C library keeps goes back to the system, and every
page of it is fetched again: that took up to a quarter of the time of networks with
many weights and few pixels.
"""

from __future__ import annotations

import math

import numpy as np

from .._types import Array, Shape


class Loans:
    """Arrays by shape and type, as networks ask for the same ones in each step.

    For each that is made anew as many bytes of what waits are let go. So there is never
    more than was lent at one time.

    Attributes
    ----------
    takes_back : bool
        Whether the memory of arrays that nobody holds any more waits for others, or is
        let go.
    """

    def __init__(self):
        self.takes_back = False
        self._waiting: dict[tuple[Shape, np.dtype], list[Array]] = {}

    def empty(self, shape: Shape, dtype: np.dtype) -> Array:
        """Return an array of any content, whose user may keep it."""
        waiting = self._waiting.get((shape, dtype))
        memory = waiting.pop() if waiting else self._new(shape, dtype)
        return np.asarray(_Loan(memory, self))

    def _new(self, shape: Shape, dtype: np.dtype) -> Array:
        n_bytes = math.prod(shape) * dtype.itemsize
        for waiting in self._waiting.values():
            while waiting and n_bytes > 0:
                n_bytes -= waiting.pop().nbytes
        return np.empty(shape, dtype)

    def give_back(self, memory: Array) -> None:
        """Take memory that nobody holds any more."""
        if self.takes_back:
            self._waiting.setdefault((memory.shape, memory.dtype), []).append(memory)

    @property
    def nbytes(self) -> int:
        """Bytes of what waits."""
        lists = self._waiting.values()
        return sum(memory.nbytes for waiting in lists for memory in waiting)

    def release(self) -> None:
        """Let go of what waits."""
        self._waiting.clear()


class _Loan:
    """What an array and all its views hold; the last of them gives the memory back."""

    __slots__ = ("_loans", "_memory")

    def __init__(self, memory: Array, loans: Loans):
        self._memory, self._loans = memory, loans

    @property
    def __array_interface__(self) -> dict[str, object]:
        """As NumPy asks for it, once; kept, it would take more than all the rest."""
        return self._memory.__array_interface__

    def __del__(self):
        self._loans.give_back(self._memory)
