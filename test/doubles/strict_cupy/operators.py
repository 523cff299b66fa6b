"""The operators of the array class: ``+``, ``*=``, ``<``, ``-x`` and so on."""

from __future__ import annotations

import numpy as np

from .device_array import ndarray, unwrap, wrap
from .memory import counters

BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.true_divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": np.power,
    "matmul": np.matmul,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "lshift": np.left_shift,
    "rshift": np.right_shift,
}

COMPARISON = {
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

OPERANDS = (ndarray, np.ndarray, np.generic, int, float, complex)


def binary_operator(function, symbol):
    def operate(self, other):
        if not isinstance(other, OPERANDS):
            return NotImplemented
        counters.launches += 1
        return wrap(function(self._host, unwrap(other, symbol)))

    return operate


def reflected_operator(function, symbol):
    def operate(self, other):
        if not isinstance(other, OPERANDS):
            return NotImplemented
        counters.launches += 1
        return wrap(function(unwrap(other, symbol), self._host))

    return operate


def in_place_operator(function, symbol):
    def operate(self, other):
        if not isinstance(other, OPERANDS):
            return NotImplemented
        counters.launches += 1
        host = self._host
        function(host, unwrap(other, symbol), out=host, casting="same_kind")
        return self

    return operate


def unary_operator(function):
    def operate(self):
        counters.launches += 1
        return wrap(function(self._host))

    return operate


def add_operators():
    """Give the array class its operators."""
    for name, function in BINARY.items():
        setattr(ndarray, f"__{name}__", binary_operator(function, name))
        setattr(ndarray, f"__r{name}__", reflected_operator(function, name))
        setattr(ndarray, f"__i{name}__", in_place_operator(function, name))
    for name, function in COMPARISON.items():
        setattr(ndarray, f"__{name}__", binary_operator(function, name))
    for name, function in UNARY.items():
        setattr(ndarray, f"__{name}__", unary_operator(function))
