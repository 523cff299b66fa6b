"""Calls of compiled functions: compiled as well, since ctypes takes longer."""

from __future__ import annotations

import ctypes
import operator

import numpy as np


class Word(ctypes.Union):
    """What a compiled function gets for each argument; the same as in `kernels.c`."""

    _fields_ = (
        ("address", ctypes.c_void_p),
        ("number", ctypes.c_int64),
        ("real", ctypes.c_double),
    )


_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.POINTER(Word))


def python_call(function: int, *arguments: object) -> None:
    """Call the function at an address with a word for each argument.

    Parameters
    ----------
    function : int
    *arguments : array, ctypes.Structure, float, int or None
        Arrays and structures are where their content is, None is nowhere.

    Raises
    ------
    TypeError
        If it is another object, scalars of NumPy's single precision among them.
    """
    words = (Word * len(arguments))()
    for word, value in zip(words, arguments, strict=True):
        if isinstance(value, np.ndarray):
            word.address = value.ctypes.data
        elif value is None:
            word.address = None
        elif isinstance(value, float):
            word.real = value
        elif hasattr(value, "__index__"):
            word.number = operator.index(value)
        elif isinstance(value, ctypes.Structure):
            word.address = ctypes.addressof(value)
        else:
            raise TypeError(f"cannot be passed: {value!r}")
    _FUNCTION(function)(words)


try:
    from ._calls import call
except ImportError:  # It needs the headers of Python, which kernels do not.
    call = python_call
