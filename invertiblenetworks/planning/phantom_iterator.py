"""The pieces in which NumPy goes through operands that are not laid out alike.

Elementwise functions run along one axis at a time. Where the operands together cannot
be seen as one long axis, NumPy either makes do with a shorter one, or copies pieces of
some operands to buffers, whichever promises to be faster (since NumPy 2.3, by the rule
of ``npyiter_find_buffering_setup``). Operands of other types are always converted in
pieces.
"""

from __future__ import annotations

import dataclasses

from .._types import Shape
from .phantom_layout import fastest_axes, strides_on

LARGEST = 8192
"""Elements of a piece in a buffer."""


@dataclasses.dataclass(frozen=True)
class Walked:
    """An operand, or the result, as it is gone through.

    Attributes
    ----------
    shape, strides : tuple of int
        Its own, before it is broadcast.
    itemsize : int
        Of an element where the function needs it.
    converted : bool
        Whether that is of another type.
    """

    shape: Shape
    strides: Shape
    itemsize: int
    converted: bool = False


def buffer_bytes(shape: Shape, walked: list[Walked], *, grow: bool = True) -> int:
    """Return the bytes of all buffers.

    Parameters
    ----------
    shape : tuple of int
        What the operands are broadcast to.
    walked : list of Walked
        The operands and the result.
    grow : bool, default True
        Whether pieces without buffers may be longer, as they may for ufuncs.
    """
    strides = [strides_on(len(shape), w.shape, w.strides) for w in walked]
    sizes, steps = _merged_axes(shape, strides)
    straight = [
        _n_straight(sizes, [step[i] for step in steps]) for i in range(len(walked))
    ]
    axis, core, length = _best_piece(sizes, straight, walked, grow)
    itemsizes = [
        w.itemsize
        for w, n in zip(walked, straight, strict=True)
        if w.converted or n <= axis
    ]
    if length > LARGEST:
        length = core * (LARGEST // core)
    return length * sum(itemsizes)


def _merged_axes(shape, strides) -> tuple[list[int], list[list[int]]]:
    """Sizes, and steps of all operands, of as few axes as possible, fastest first."""
    sizes, steps = [], []
    for axis in fastest_axes(len(shape), strides):
        step = [s[axis] for s in strides]
        if shape[axis] == 1:
            continue
        if sizes and [sizes[-1] * last for last in steps[-1]] == step:
            sizes[-1] *= shape[axis]
        else:
            sizes.append(shape[axis])
            steps.append(step)
    return sizes or [1], steps or [[0] * len(strides)]


def _n_straight(sizes: list[int], steps: list[int]) -> int:
    """Along how many axes an operand is one sequence with equal steps."""
    n = 1
    while n < len(sizes) and steps[n] == steps[n - 1] * sizes[n - 1]:
        n += 1
    return n


def _best_piece(sizes, straight, walked, grow) -> tuple[int, int, int]:
    """Return the last axis of a piece, its length without that axis, and with it."""
    cost = 1 + sum(w.converted for w in walked)
    length, best, best_cost = sizes[0], (0, 1, sizes[0]), cost
    for axis in range(1, len(sizes)):
        limited = cost > 1 or not grow
        if length >= LARGEST and limited:
            break
        cost += sum(
            n == axis and not w.converted for n, w in zip(straight, walked, strict=True)
        )
        core, length = length, length * sizes[axis]
        limited = cost > 1 or not grow
        paid_for = min(length, LARGEST) if limited else length
        if cost * best[2] <= best_cost * paid_for:
            best, best_cost = (axis, core, length), cost
    return best
