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
from .aligned_memory import aligned_bytes


class Loans:
    """Memory by its size, as networks ask for the same sizes in each step.

    What waits is let go where a size is asked for that does not wait: then the arrays
    that are wanted have changed.

    Attributes
    ----------
    takes_back : bool
        Whether the memory of arrays that nobody holds any more waits for others, or is
        let go.
    """

    def __init__(self):
        self.takes_back = False
        self._waiting: dict[int, list[Array]] = {}

    def empty(self, shape: Shape, dtype: np.dtype) -> Array:
        """Return an array of any content, whose user may keep it."""
        n_bytes = math.prod(shape) * dtype.itemsize
        waiting = self._waiting.get(n_bytes)
        if not waiting:
            self.release()
        memory = waiting.pop() if waiting else aligned_bytes(n_bytes, np)
        return np.asarray(_Loan(memory, self)).view(dtype).reshape(shape)

    def give_back(self, memory: Array) -> None:
        """Take memory that nobody holds any more."""
        if self.takes_back:
            self._waiting.setdefault(memory.nbytes, []).append(memory)

    @property
    def nbytes(self) -> int:
        """Bytes of what waits."""
        return sum(n_bytes * len(m) for n_bytes, m in self._waiting.items())

    def release(self) -> None:
        """Let go of what waits."""
        self._waiting.clear()


class _Loan:
    """What an array and all its views hold; the last of them gives the memory back."""

    def __init__(self, memory: Array, loans: Loans):
        self._memory, self._loans = memory, loans
        self.__array_interface__ = memory.__array_interface__

    def __del__(self):
        self._loans.give_back(self._memory)
