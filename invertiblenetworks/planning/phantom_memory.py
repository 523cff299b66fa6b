"""The bytes that phantom arrays would hold: now, and at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..kernels.workspace import Store


class Memory:
    """Counts the bytes of phantom arrays.

    Parameters
    ----------
    array_module : module
        The one whose arrays these are.

    Attributes
    ----------
    current : int
        Bytes of all phantom arrays alive.
    peak : int
        Largest value of ``current`` since ``start``.
    """

    def __init__(self, array_module: object = None):
        self.array_module = array_module
        self.current = self.peak = 0
        self._base = 0
        self._stores = [Store()]
        self._worker = 0

    def start(self) -> None:
        """Measure the peak from here on."""
        self._base = self.peak = self.current

    @property
    def extra_peak(self) -> int:
        """The peak above what was there at the start."""
        return self.peak - self._base

    @property
    def store(self) -> Store:
        """What the thread that runs now keeps from call to call."""
        return self._stores[self._worker]

    @property
    def current_but_stores(self) -> int:
        """Bytes alive, without those that are kept from call to call."""
        return self.current - sum(store.nbytes for store in self._stores)

    def add(self, size: int) -> None:
        """Count ``size`` bytes until they are removed."""
        current = self.current = self.current + size
        if current > self.peak:
            self.peak = current

    def remove(self, size: int) -> None:
        """Count ``size`` bytes no longer."""
        self.current -= size

    def add_for_a_moment(self, size: int) -> None:
        """Count ``size`` bytes that are gone when the operation ends."""
        self.peak = max(self.peak, self.current + size)

    def concurrently(self, thunks: Sequence[Callable[[], Any]]) -> list:
        """Run thunks in turn, and count them as if they ran at the same time.

        The peak is what was there before, and the own peaks of all thunks together:
        the worst that can happen. The first thunk counts as run by the calling thread,
        the others by threads of their own, see ``store``.

        Returns
        -------
        list
            The results of the thunks, in order.
        """
        base, peak_before, caller = self.current, self.peak, self._worker
        while len(self._stores) < caller + len(thunks):
            self._stores.append(Store())
        own_peaks, results = 0, []
        try:
            for i, thunk in enumerate(thunks):
                self._worker = caller + i
                begin = self.peak = self.current
                results.append(thunk())
                own_peaks += self.peak - begin
        finally:
            self._worker = caller
            self.peak = max(peak_before, base + own_peaks)
        return results


class Buffer:
    """Bytes that count for as long as an array holds the buffer."""

    __slots__ = ("memory", "size")

    def __init__(self, memory: Memory, size: int):
        self.memory, self.size = memory, size
        memory.add(size)

    def __del__(self):
        self.memory.remove(self.size)
