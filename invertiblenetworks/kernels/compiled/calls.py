"""Calls of compiled functions: compiled as well, since ctypes takes longer."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable

import numpy as np

INTERFACE_VERSION = 5
"""The same number as in `kernels.c` and `calls.c`."""


class Word(ctypes.Union):
    """What a compiled function gets for each argument; the same as in `kernels.c`."""

    _fields_ = (
        ("address", ctypes.c_void_p),
        ("number", ctypes.c_int64),
        ("real", ctypes.c_double),
    )


_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.POINTER(Word))


def python_call(function: int, kinds: str, *arguments: object) -> None:
    """Call the function at an address with a word for each argument.

    Parameters
    ----------
    function : int
    kinds : str
        A letter for each argument: "a" for an array or a structure, which are where
        their content is, or None, which is nowhere; "n" for a whole number, "r" for a
        real one.
    *arguments : array, ctypes.Structure, float, int or None

    Raises
    ------
    TypeError, OverflowError
        If there are more or fewer, or one is of another kind.
    """
    if len(arguments) != len(kinds):
        raise TypeError(f"needs {len(kinds)} arguments, got {len(arguments)}")
    words = (Word * len(arguments))()
    for word, kind, value in zip(words, kinds, arguments, strict=True):
        if kind == "n" and hasattr(value, "__index__"):
            word.number = number = operator.index(value)
            if word.number != number:
                raise OverflowError(f"has no room in a word: {number}")
        elif kind == "r" and hasattr(value, "__float__"):
            word.real = float(value)
        elif kind == "a" and value is None:
            word.address = None
        elif kind == "a" and isinstance(value, np.ndarray):
            word.address = value.ctypes.data
        elif kind == "a" and isinstance(value, ctypes.Structure):
            word.address = ctypes.addressof(value)
        else:
            raise TypeError(f"cannot be passed: {value!r}")
    _FUNCTION(function)(words)


def _best_call() -> Callable:
    try:
        from . import _calls
    except ImportError:  # It needs the headers of Python, which kernels do not.
        return python_call
    # What an editable install compiled may be older than this file.
    is_this = getattr(_calls, "INTERFACE_VERSION", None) == INTERFACE_VERSION
    return _calls.call if is_this else python_call


call = _best_call()
