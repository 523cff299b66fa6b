"""The bytes that phantom arrays would hold: now, and at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


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
        self._kept = [Kept()]
        self._worker = 0

    def start(self) -> None:
        """Measure the peak from here on."""
        self._base = self.peak = self.current

    @property
    def extra_peak(self) -> int:
        """The peak above what was there at the start."""
        return self.peak - self._base

    @property
    def kept(self) -> Kept:
        """What the thread that runs now keeps from call to call."""
        return self._kept[self._worker]

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
        the others by threads of their own, see ``kept``.

        Returns
        -------
        list
            The results of the thunks, in order.
        """
        base, peak_before, caller = self.current, self.peak, self._worker
        while len(self._kept) < caller + len(thunks):
            self._kept.append(Kept())
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


class Kept:
    """Memory that one thread keeps, to use it again: by role, and free for any use."""

    def __init__(self):
        self.by_role: dict[str, object] = {}
        self.free: list[object] = []


class Buffer:
    """Bytes that count for as long as an array holds the buffer."""

    __slots__ = ("memory", "size")

    def __init__(self, memory: Memory, size: int):
        self.memory, self.size = memory, size
        memory.add(size)

    def __del__(self):
        self.memory.remove(self.size)
