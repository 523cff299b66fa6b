"""The compiled functions, if there are any for this processor.

``setup.py`` compiles `kernels.c` once for each set of vector instructions in `NAMES`,
and goes on where that fails. Nothing here uses Python's C interface: what is loaded is
a plain library, and its functions run without the interpreter's lock.
"""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy as np

from ...errors import expect_in
from .shapes import Shape

NAMES = ("avx512", "avx2")
"""Instructions that there are libraries for, the fastest first."""

SWITCH = "INVERTIBLENETWORKS_COMPILED"
"""Environment variable: one of these names, or 0 for none."""

INTERFACE_VERSION = 1
"""The same number as in `kernels.c`."""

TYPES = ("float32", "float64")


class Functions:
    """Those of `kernels.c` for one floating type, by their names there.

    Attributes
    ----------
    width : int
        Pixels of a panel.
    n_states, memory_forward, ... : callable
        Take a `Shape`, and return how many numbers of memory are needed.
    forward, backward, transform, correlate : callable
        Take a `Shape`, arrays and numbers; arrays must be as C wants them.
    """

    def __init__(self, library: ctypes.CDLL, dtype: np.dtype):
        self.width = library.bytes_of_panel_row() // dtype.itemsize
        array, number, real = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
        arguments = {
            "n_states": (),
            "memory_forward": (),
            "memory_backward": (),
            "memory_transform": (),
            "memory_correlate": (),
            "forward": (*[array] * 9, real),
            "backward": (*[array] * 13, real),
            "transform": (number, number, ctypes.c_int, *[array] * 5),
            "correlate": (number, number, *[array] * 4),
        }
        for name, types in arguments.items():
            function = getattr(library, f"{name}_{dtype.name}")
            function.argtypes = (ctypes.POINTER(Shape), *types)
            asks = name == "n_states" or name.startswith("memory")
            function.restype = number if asks else None
            setattr(self, name, _with_addresses(function))


def _with_addresses(function: Callable) -> Callable:
    """Let a function take arrays; it must not outlive them."""

    def call(shape: Shape, *arguments):
        return function(shape, *map(_address, arguments))

    return call


def _address(value):
    return value.ctypes.data if isinstance(value, np.ndarray) else value


def functions(dtype: np.dtype) -> Functions | None:
    """Return the functions for arrays of a type; None if there are none."""
    name = compiled_kernels()
    if name is None or dtype.name not in TYPES or not dtype.isnative:
        return None
    return _functions(name, dtype)


@functools.cache
def _functions(name: str, dtype: np.dtype) -> Functions:
    return Functions(load(name), dtype)


@functools.cache
def compiled_kernels() -> str | None:
    """Name the vector instructions of the compiled kernels in use.

    Conditioners with piecewise linear activations, and convolutions that keep the size
    of images, are compiled when the package is installed on a machine with an x86
    processor and a C compiler. Without them NumPy does the same work, more slowly.

    Returns
    -------
    str or None
        ``"avx512"`` or ``"avx2"``; None if there are no compiled kernels for this
        processor, or the environment variable ``INVERTIBLENETWORKS_COMPILED`` is 0. It
        may also be one of the names. It is read once.

    Raises
    ------
    ValueError
        If the variable has another value.

    Examples
    --------
    >>> from invertiblenetworks import compiled_kernels
    >>> compiled_kernels() in ("avx512", "avx2", None)
    True
    """
    wanted, choices = os.environ.get(SWITCH, ""), ("", "0", *NAMES)
    expect_in("compiled_kernels", choices, **{SWITCH: wanted})
    names = [name for name in NAMES if wanted in ("", name)]
    return next((name for name in names if load(name) is not None), None)


@functools.cache
def load(name: str) -> ctypes.CDLL | None:
    """Load a library; None if it was not compiled or needs another processor."""
    for suffix in EXTENSION_SUFFIXES:
        path = Path(__file__).parent / f"kernels_{name}{suffix}"
        if path.is_file():
            return _usable(path)
    return None


def _usable(path: Path) -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(str(path))
    except OSError:
        return None  # Of another system, say, or on a disk that nothing runs from.
    # What an editable install compiled may be older than this file.
    is_this = library.interface_version() == INTERFACE_VERSION
    return library if is_this and library.is_supported() else None
