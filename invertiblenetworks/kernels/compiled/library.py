"""The compiled functions, if there are any for this processor.

``setup.py`` compiles `kernels.c` once for each set of vector instructions in `NAMES`,
and goes on where that fails. They do not use Python's C interface: what is loaded is
a plain library, and its functions run without the interpreter's lock, on threads of
their own (``team.h``).
"""

from __future__ import annotations

import ctypes
import functools
import os
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy as np

from ..._types import Array
from ...backend import get_array_module, on_host
from ...errors import expect
from .calls import INTERFACE_VERSION, call
from .shapes import Shape

NAMES = ("avx512", "avx2")
"""Instructions that there are libraries for, the fastest first."""

SWITCH = "INVERTIBLENETWORKS_COMPILED"
"""Environment variable: one of these names, or 0 for none."""

TYPES = frozenset(map(np.dtype, ("float32", "float64")))


WITH_MEMORY = ("forward", "backward", "transform", "correlate", "mix", "mix_back")
"""Functions that say how much memory they take."""

KINDS_OF_ARGUMENTS = {
    "forward": 10 * "a" + "nrr",
    "backward": 14 * "a" + "nrr",
    "transform": "an" + 5 * "a",
    "correlate": 5 * "a",
    "mix": "ann" + 5 * "a",
    "mix_back": "annnn" + 10 * "a",
    "copy": 3 * "a",
    "affine": "an" + 5 * "a" + "nrr",
    "affine_back": "an" + 7 * "a" + "nrr",
    "householder": "nn" + 3 * "a",
    "householder_adjoint": "nn" + 4 * "a",
    "rotation_gradients": "n" + 8 * "a" + "r",
}
"""Of each function, see `calls.python_call`."""


class Functions:
    """Those of `kernels.c` for one floating type, by their names there.

    Attributes
    ----------
    width : int
        Pixels of a panel.
    n_states, memory_forward, ... : callable
        Take a `Shape`, and return how many numbers of memory are needed.
    forward, backward, transform, correlate, mix, mix_back : callable
        Take a `Shape`, numbers and arrays; arrays must be as C wants them.
    copy : callable
        Takes a `Layout` and two arrays.
    affine, affine_back : callable
        Take `Rows`, numbers and arrays.
    householder, householder_adjoint, rotation_gradients : callable
        Take only numbers and arrays.
    """

    def __init__(self, library: ctypes.CDLL, dtype: np.dtype):
        self.width = library.bytes_of_panel_row() // dtype.itemsize
        for name in ("n_states", *(f"memory_{name}" for name in WITH_MEMORY)):
            function = getattr(library, f"{name}_{dtype.name}")
            function.argtypes = (ctypes.POINTER(Shape),)
            function.restype = ctypes.c_int64
            # Asked in each layer of each step, of shapes that are the same objects.
            setattr(self, name, functools.lru_cache(maxsize=1024)(function))
        for name, kinds in KINDS_OF_ARGUMENTS.items():
            function = getattr(library, f"call_{name}_{dtype.name}")
            address = ctypes.cast(function, ctypes.c_void_p).value
            setattr(self, name, functools.partial(call, address, kinds))


def functions(dtype: np.dtype) -> Functions | None:
    """Return the functions for arrays of a type; None if there are none."""
    name = compiled_kernels()
    if name is None or dtype not in TYPES:
        return None
    return _functions(name, dtype)


def functions_of(first: Array, *others: Array) -> Functions | None:
    """Return the compiled functions for arrays of one type on the CPU, if any."""
    for other in others:
        if other.dtype != first.dtype:
            return None
    return functions(first.dtype) if on_host(get_array_module(first)) else None


@functools.cache
def _functions(name: str, dtype: np.dtype) -> Functions:
    return Functions(load(name), dtype)


@functools.cache
def compiled_kernels() -> str | None:
    """Name the vector instructions of the compiled kernels in use.

    Conditioners with ReLU, leaky ReLU, tanh, the logistic function, softplus or no
    activation, convolutions that keep the size of images, 1x1 convolutions, and affine
    couplings with the scales of this package are compiled when it is installed on a
    machine with an x86 processor and a C compiler. Without them NumPy does the same
    work, more slowly, as it does in any case for activations of your own.

    Returns
    -------
    str or None
        ``"avx512"`` or ``"avx2"``; None if there are no compiled kernels for this
        processor, or the environment variable ``INVERTIBLENETWORKS_COMPILED`` is 0. One
        of the names asks for these kernels; unset or empty takes the best. It is read
        at the first call of the package.

    Raises
    ------
    ValueError
        If the variable has another value, or the kernels that it names are not there.

    Examples
    --------
    >>> from invertiblenetworks import compiled_kernels
    >>> compiled_kernels() in ("avx512", "avx2", None)
    True
    """
    wanted = os.environ.get(SWITCH, "")
    usable = [name for name in NAMES if load(name) is not None]
    choices = ", ".join(map(repr, ("0", *usable)))
    expect(
        wanted in ("", "0", *usable),
        "compiled_kernels",
        f"{SWITCH} to be unset or one of {choices}",
        repr(wanted),
        "Unset it for the best kernels that there are; 0 is for those of NumPy.",
    )
    best = usable[0] if usable else None
    return {"": best, "0": None}.get(wanted, wanted)


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
