"""Shapes and strides that NumPy would choose, for arrays that have no memory.

The layout of a phantom array is a NumPy array too, its *carrier*, of which only shape,
strides, type and address mean anything. Views of a phantom are views of its carrier, so
NumPy itself says what they are. There is no memory behind a carrier: its elements must
never be read.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable

import numpy as np

from .._types import Shape

Strided = tuple[Shape, Shape]
"""Shape, and strides in bytes."""

_RESHAPE_CAN_REFUSE = np.lib.NumpyVersion(np.__version__) >= "2.1.0"
"""To copy, that is; before, this was asked by setting the shape."""


class Carrier(np.ndarray):
    """Has no elements to print, not even for a debugger."""

    __slots__ = ()

    def __repr__(self):
        return f"<carrier of {self.dtype}, shape {self.shape}, strides {self.strides}>"

    __str__ = __repr__


@functools.lru_cache(maxsize=4096)
def carrier(shape: Shape, strides: Shape, dtype: np.dtype) -> Carrier:
    """Return a carrier; those of one layout are one, at one address."""
    nothing = np.empty(0, dtype).view(Carrier)
    return np.lib.stride_tricks.as_strided(nothing, shape, strides, subok=True)


@functools.lru_cache(maxsize=4096)
def contiguous(shape: Shape, dtype: np.dtype) -> Carrier:
    """Return a carrier in C order."""
    strides = packed_strides(shape, dtype.itemsize, reversed(range(len(shape))))
    return carrier(shape, strides, dtype)


@functools.lru_cache(maxsize=4096)
def like_operands(
    shape: Shape, dtype: np.dtype, operands: tuple[Strided, ...]
) -> Carrier:
    """Return a carrier whose axes are in the order of those of the operands.

    So NumPy lays out results that it allocates (order "K"): where the operands say
    nothing, or disagree, the order is C.

    Parameters
    ----------
    shape : tuple of int
        Shape of the result.
    dtype : dtype
        Type of the result.
    operands : tuple of (shape, strides)
        Of the arrays that broadcast to the result.
    """
    strides = [strides_on(len(shape), *operand) for operand in operands]
    fastest_first = fastest_axes(len(shape), strides)
    packed = packed_strides(shape, dtype.itemsize, fastest_first)
    return carrier(shape, packed, dtype)


def fastest_axes(ndim: int, strides: list[list[int]]) -> list[int]:
    """Return the order in which NumPy goes through the axes, the fastest first."""
    order: list[int] = []
    for axis in reversed(range(ndim)):
        place = len(order)
        for position in reversed(range(place)):
            faster = _is_faster(axis, order[position], strides)
            if faster:
                place = position
            elif faster is not None:
                break
        order.insert(place, axis)
    return order


def packed_strides(shape: Shape, itemsize: int, fastest_first: Iterable[int]) -> Shape:
    """Return the strides of an array without gaps, its axes in the order given."""
    strides, step = [0] * len(shape), itemsize
    for axis in fastest_first:
        strides[axis] = step
        step *= max(1, shape[axis])
    return tuple(strides)


def strides_on(ndim: int, shape: Shape, strides: Shape) -> list[int]:
    """Strides along the axes of a result; 0 where an operand is repeated."""
    moving = [0 if n == 1 else abs(s) for n, s in zip(shape, strides, strict=True)]
    return [0] * (ndim - len(shape)) + moving


def _is_faster(axis: int, other: int, all_strides: list[list[int]]) -> bool | None:
    """Whether ``axis`` should vary faster than a later axis; ``None``: no matter."""
    verdict = None
    for strides in all_strides:
        if strides[axis] and strides[other]:
            if strides[other] <= strides[axis]:
                return False
            verdict = True
    return verdict


def reshaped(array: Carrier, shape: Shape) -> Carrier | None:
    """Return the view of a carrier in another shape; ``None`` if there is none.

    Raises
    ------
    ValueError
        If the number of elements differs.
    """
    if math.prod(shape) != array.size:
        raise ValueError(f"cannot reshape an array of shape {array.shape} to {shape}")
    try:
        if _RESHAPE_CAN_REFUSE:
            return array.reshape(shape, copy=False)
        view = array.view()
        view.shape = shape
    except (AttributeError, ValueError):
        return None
    return view


def full_shape(shape: Shape, size: int) -> Shape:
    """Replace a -1 in ``shape`` by what gives ``size`` elements."""
    if -1 not in shape:
        return shape
    known = -math.prod(shape)
    if known <= 0 or size % known:
        raise ValueError(f"cannot reshape an array of {size} elements to {shape}")
    return tuple(size // known if n == -1 else n for n in shape)


@functools.lru_cache(maxsize=4096)
def expect_broadcast(source: Shape, target: Shape) -> None:
    """Raise unless NumPy would copy an array of one shape to one of the other."""
    needed = source
    while len(needed) > len(target) and needed[0] == 1:
        needed = needed[1:]
    pairs = zip(reversed(needed), reversed(target), strict=False)
    fits = len(needed) <= len(target) and all(n in (1, wanted) for n, wanted in pairs)
    if not fits:
        raise ValueError(f"could not broadcast an array of shape {source} to {target}")


def overlap(a: Carrier, b: Carrier, max_work: int) -> bool:
    """True if carriers in one buffer have bytes in common, but are not the same.

    ``max_work`` is that of `numpy.may_share_memory`: 0 compares the ends only.
    """
    if a is b or not np.may_share_memory(a, b, max_work):
        return False
    if a.shape != b.shape or a.strides != b.strides:
        return True
    return a.__array_interface__["data"] != b.__array_interface__["data"]
