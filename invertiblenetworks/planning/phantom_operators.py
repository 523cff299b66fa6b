"""The operators of phantom arrays: ``+``, ``*=``, ``<``, ``-x`` and so on.

They count references to their operands themselves, see `phantom_temporaries`: a
function in between would hold one more.
"""

from __future__ import annotations

from sys import getrefcount

import numpy as np

from .phantom_matmul import matmul
from .phantom_storage import Storage
from .phantom_temporaries import SMALLEST, is_reusable
from .phantom_ufunc import apply

OPERANDS = (Storage, np.ndarray, np.generic, int, float, complex)

COMMUTATIVE = {
    "add": np.add,
    "mul": np.multiply,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}
"""Operators that may write into a temporary on either side."""

ONE_SIDED = {
    "sub": np.subtract,
    "truediv": np.true_divide,
    "floordiv": np.floor_divide,
}
"""Operators that may write into a temporary on the left."""

PLAIN = {"mod": np.remainder, "pow": np.power}

COMPARISONS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}

UNARY = {
    "neg": np.negative,
    "pos": np.positive,
    "abs": np.absolute,
    "invert": np.invert,
}

FAST_POWERS = {"2": np.square, "0.5": np.sqrt, "-1": np.reciprocal}
"""Functions that NumPy takes for an exponent as it is written here."""


def _is_large(array: object) -> bool:
    return (
        isinstance(array, Storage) and array._owner and array._buffer.size >= SMALLEST
    )


def _binary(ufunc: np.ufunc, *, left: bool, right: bool):
    """Make an operator, which may write into a temporary on these sides."""

    def operate(self, other):
        if not isinstance(other, OPERANDS):
            return NotImplemented
        out = None
        if left and _is_large(self) and is_reusable(getrefcount(self), self, other):
            out = self
        elif (
            right
            and _is_large(other)
            # What is 0-d here is a number in NumPy, whose operators are others.
            and self.ndim > 0
            and is_reusable(getrefcount(other), other, self)
        ):
            out = other
        return apply(ufunc, (self, other), out)

    return operate


def _reflected(ufunc: np.ufunc, *, right: bool):
    """Make an operator with a number on the left."""

    def operate(self, other):
        if not isinstance(other, OPERANDS):
            return NotImplemented
        reusable = (
            right and _is_large(self) and is_reusable(getrefcount(self), self, other)
        )
        return apply(ufunc, (other, self), self if reusable else None)

    return operate


def _in_place(ufunc: np.ufunc):
    def operate(self, other):
        return apply(ufunc, (self, other), self)

    return operate


def _unary(ufunc: np.ufunc):
    def operate(self):
        reusable = _is_large(self) and is_reusable(getrefcount(self), self, self)
        return apply(ufunc, (self,), self if reusable else None)

    return operate


class Operators(Storage):
    """An array with operators; most are added below, from the tables."""

    __slots__ = ()
    __hash__ = None

    def __pow__(self, exponent):
        function = FAST_POWERS.get(repr(exponent))
        if function is None:
            return apply(np.power, (self, exponent))
        reusable = _is_large(self) and is_reusable(getrefcount(self), self, self)
        return apply(function, (self,), self if reusable else None)

    def __matmul__(self, other):
        return matmul(self, other)

    def __rmatmul__(self, other):
        return matmul(other, self)


def _add_operators() -> None:
    both = {**COMMUTATIVE, **ONE_SIDED, **PLAIN}
    for name, ufunc in both.items():
        left, right = name not in PLAIN, name in COMMUTATIVE
        if name != "pow":
            operate = _binary(ufunc, left=left, right=right)
            setattr(Operators, f"__{name}__", operate)
        setattr(Operators, f"__r{name}__", _reflected(ufunc, right=right))
        setattr(Operators, f"__i{name}__", _in_place(ufunc))
    for name, ufunc in COMPARISONS.items():
        operate = _binary(ufunc, left=False, right=False)
        setattr(Operators, f"__{name}__", operate)
    for name, ufunc in UNARY.items():
        setattr(Operators, f"__{name}__", _unary(ufunc))


_add_operators()
