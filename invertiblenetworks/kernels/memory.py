"""How much memory a kernel may take for what it need not take.

Everything here is a context variable: it holds for the calls that a thread makes
inside of a block, on the workers that share them too, and for no other thread.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

from ..errors import describe, message

Item = TypeVar("Item")

PIECE_BYTES = 2**25
"""Bytes of hidden states of one sample that a worker holds, unless limited."""

_piece_bytes: ContextVar[int] = ContextVar("piece_bytes", default=PIECE_BYTES)
_tile_divisor: ContextVar[int] = ContextVar("tile_divisor", default=1)
_most_workers: ContextVar[int | None] = ContextVar("most_workers", default=None)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides how much memory a call takes; its result is the same to rounding.

    Attributes
    ----------
    piece_bytes : int
        Bytes of hidden states of one sample that a worker may hold.
    tile_divisor : int
        How many times smaller than usual the tiles of a kernel are.
    most_workers : int or None
        Limit on the threads that share the work.
    """

    piece_bytes: int = PIECE_BYTES
    tile_divisor: int = 1
    most_workers: int | None = None


@contextmanager
def using(settings: Settings) -> Iterator[None]:
    """Let these settings hold inside of the block, and no limit beside them."""
    values = {
        _piece_bytes: settings.piece_bytes,
        _tile_divisor: settings.tile_divisor,
        _most_workers: settings.most_workers,
        _limit: None,
    }
    tokens = [variable.set(value) for variable, value in values.items()]
    try:
        yield
    finally:
        for variable, token in zip(values, tokens, strict=True):
            variable.reset(token)


def piece_bytes() -> int:
    """Bytes of hidden states of one sample that a worker may hold."""
    return _piece_bytes.get()


DEVICE_PIECE_BYTES = 2**30
"""The same on a device, where larger products pay and memory is not in pages."""


def device_piece_bytes() -> int:
    """Bytes of hidden states that a piece may hold on a device."""
    return min(DEVICE_PIECE_BYTES, piece_bytes() * (DEVICE_PIECE_BYTES // PIECE_BYTES))


def in_tile(n_pixels: int) -> int:
    """Pixels that a tile may have where it usually has ``n_pixels``."""
    return max(1, n_pixels // _tile_divisor.get())


def most_workers() -> int | None:
    """Limit on the threads that share the work of a call, if there is one."""
    return _most_workers.get()


# --- the limit of the user ------------------------------------------------------------

_limit: ContextVar[int | None] = ContextVar("memory_limit", default=None)

_UNITS = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}

_TEXT = re.compile(r"([-+.0-9e]*) *(.*)")


@contextmanager
def memory_limit(n_bytes: float | str | None) -> Iterator[None]:
    """Let no call inside of the block take more memory than this.

    Counted are the arrays that a call makes on top of what is there before it: its
    arguments, the parameters, and gradients that these have. Its results are part of
    it, and so is what kernels keep from call to call. Objects of Python are not, of the
    call and of its plan: some hundred KiB, and up to 2 MiB for large networks.

    Every call of a public method is planned before it works: batches are cut into
    smaller pieces, tiles get smaller, and at last fewer threads share the work, until
    the plan is within the limit. So a limit costs time, and changes results by
    rounding. Plans are kept with the layer; the calls of a loop pay for one.

    Parameters
    ----------
    n_bytes : float, str or None
        Bytes, or a number with a unit, such as ``"200 MiB"`` or ``"1.5 GB"``; the units
        are B, kB, MB, GB, TB, KiB, MiB, GiB and TiB, in these letters. None for no
        limit, also inside of a block that has one.

    Raises
    ------
    ValueError, TypeError
        If that is no number of bytes.
    MemoryError
        From the call, before it works, if nothing fits; the message names the smallest
        limit that does.
    TypeError
        From the call, if its memory cannot be planned: of CuPy arrays, of layers that
        take a context, and of operators of SciPy.

    Notes
    -----
    The limit holds for the thread that sets it. Of two limits the inner one counts.
    For one call, ``forward``, ``inverse``, ``backward`` and ``backward_inv`` of layers
    and networks have an argument of the same name; nets have not.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import NetworkGlow, memory_limit
    >>> net = NetworkGlow(3, 32, L=2, K=2, split_scales=True, rng=0)
    >>> x = np.random.default_rng(0).normal(size=(8, 3, 64, 64)).astype("float32")
    >>> z, _ = net.forward(x)
    >>> with memory_limit("12 MiB"):
    ...     dx, x_again = net.backward(z / len(z), z)
    >>> with memory_limit("100 kB"):
    ...     z, _ = net.forward(x)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    MemoryError: NetworkGlow.forward: expected a memory limit of at least ... B, got ...
    """
    token = _limit.set(None if n_bytes is None else as_bytes(n_bytes))
    try:
        yield
    finally:
        _limit.reset(token)


def current_limit() -> int | None:
    """The limit that holds here, if there is one."""
    return _limit.get()


def as_bytes(value: float | str, where: str = "memory_limit", least: int = 1) -> int:
    """Return a number of bytes that may be given with a unit.

    ``where`` is what a message begins with, ``least`` the least number allowed.

    Raises
    ------
    ValueError, TypeError
        If it is none.
    """
    units = ", ".join(_UNITS)
    kind = "positive" if least else "non-negative"
    wanted = f"a {kind} number of bytes, or a text such as '200 MiB' (units: {units})"
    if isinstance(value, str):
        number, unit = _TEXT.fullmatch(value.strip()).groups()
        try:
            n_bytes = int(float(number) * _UNITS[unit])
        except (KeyError, ValueError, OverflowError):
            raise ValueError(message(where, wanted, repr(value))) from None
    elif isinstance(value, numbers.Real) and not isinstance(value, bool):
        n_bytes = int(value) if -math.inf < value < math.inf else -1
    else:
        raise TypeError(message(where, wanted, describe(value)))
    if not least <= n_bytes <= sys.maxsize:
        raise ValueError(message(where, wanted, repr(value)))
    return n_bytes


# --- while memory is planned ----------------------------------------------------------


class Planner(Protocol):
    """What runs in place of loops and threads while only memory is asked for."""

    def concurrently(self, thunks: Sequence[Callable[[], Any]]) -> list:
        """Run thunks in turn, and count them as if they ran at the same time."""

    def representative(self, steps: Sequence[Item], size) -> Sequence[Item]:
        """Return the steps of a loop that decide on its peak."""

    def keeping(self, steps: Sequence[Item], function, size) -> list:
        """Return the results of these, in a list that counts for those of all."""


_planner: ContextVar[Planner | None] = ContextVar("planner", default=None)


@contextmanager
def planned_by(planner: Planner) -> Iterator[None]:
    """Let loops and threads inside of the block be counted, not run in full."""
    tokens = _planner.set(planner), _limit.set(None)
    try:
        yield
    finally:
        _planner.reset(tokens[0])
        _limit.reset(tokens[1])


def current_planner() -> Planner | None:
    """What counts memory here, if it is only planned."""
    return _planner.get()


def steps(items: Iterable[Item]) -> Iterable[Item]:
    """Return what a loop goes through: all, or what decides on its peak of memory.

    For loops over parts of about one size, of which each does the same and keeps no
    memory of its own.
    """
    planner = _planner.get()
    return items if planner is None else planner.representative(list(items))


def results_of_steps(
    items: Sequence[Item],
    function: Callable[[Item], Any],
    size: Callable[[Item], int],
) -> list:
    """Return the results of a loop as a list; where memory is planned, of some steps.

    Parameters
    ----------
    items : sequence
    function : callable
        What is done with each item, and what it returns is kept.
    size : callable
        Tells the largest of the items.
    """
    planner = _planner.get()
    if planner is None:
        return [function(item) for item in items]
    return planner.keeping(items, function, size)
