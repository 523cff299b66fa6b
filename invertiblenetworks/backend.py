"""Which array library is in use: NumPy or CuPy. The only file that may import CuPy.

There is no global device and no switch: a function asks its arguments. A kernel
starts with ``xp = get_array_module(x)`` and goes on with ``xp``.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import numpy as np

from ._types import Array
from .errors import describe, message

__all__ = [
    "get_array_module",
    "gpu_available",
    "is_gpu",
    "to_cpu",
    "to_gpu",
]


def get_array_module(*arrays: Array | None) -> ModuleType:
    """Return the library (``numpy`` or ``cupy``) that owns the arrays.

    ``None`` is skipped. CuPy is looked for among the modules already loaded: a
    program that never imported it cannot own one of its arrays.

    Raises
    ------
    TypeError
        If an argument is no array, or NumPy and CuPy arrays are mixed.

    Examples
    --------
    >>> get_array_module(np.zeros(3)).__name__
    'numpy'
    """
    if len(arrays) == 1 and type(arrays[0]) is np.ndarray:
        return np  # The usual case, asked often.
    cupy = sys.modules.get("cupy")
    found = None
    for array in arrays:
        if array is None:
            continue
        if isinstance(array, np.ndarray | np.generic):
            module = np
        elif cupy is not None and isinstance(array, cupy.ndarray):
            module = cupy
        elif hasattr(array, "_array_module"):  # an array of `planning`
            module = array._array_module
        else:
            raise _no_array("get_array_module", array)
        if found is not None and found is not module:
            wanted, got = "arrays of one library", "NumPy and CuPy arrays together"
            hint = "Move them with to_gpu or to_cpu."
            raise TypeError(message("get_array_module", wanted, got, hint))
        found = module
    return found or np


def is_array(value: object) -> bool:
    """True for a NumPy or CuPy array, and for one of `planning`."""
    cupy = sys.modules.get("cupy")
    return (
        isinstance(value, np.ndarray)
        or (cupy is not None and isinstance(value, cupy.ndarray))
        or hasattr(value, "_array_module")
    )


def expect_array(where: str, value: object) -> None:
    """Raise unless ``value`` is an array; ``where`` is what the message begins with."""
    if not is_array(value):
        raise _no_array(where, value)


def _no_array(where: str, value: object) -> TypeError:
    hint = "Convert it with numpy.asarray first."
    return TypeError(message(where, "an array", describe(value), hint))


def is_gpu(array: Array) -> bool:
    """True if ``array`` is a CuPy array."""
    return not on_host(get_array_module(array))


def gpu_available() -> bool:
    """True if CuPy is installed and finds a device."""
    try:
        return bool(importlib.import_module("cupy").is_available())
    except ImportError:
        return False


def cupy_module(name: str = "cupy") -> ModuleType:
    """Import CuPy or one of its submodules, or say how to install it.

    Raises
    ------
    ImportError
        If CuPy is not installed.
    """
    if name in sys.modules:
        return sys.modules[name]
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{name} is needed to work on a GPU and could not be imported ({error}). "
            "Install it with: pip install 'invertiblenetworks[gpu]'"
        ) from error


def has_cuda_kernels(xp: ModuleType) -> bool:
    """True if ``xp`` can compile CUDA kernels (real CuPy, not a NumPy double)."""
    return xp is not np and hasattr(xp, "ElementwiseKernel")


def on_host(xp: ModuleType) -> bool:
    """True for NumPy, and for what stands in for it to plan memory."""
    return xp is np or getattr(xp, "stands_for", None) is np


def to_cpu(array: Array) -> np.ndarray:
    """Return ``array`` as a NumPy array; a NumPy array is returned as it is."""
    return array.get() if is_gpu(array) else array


def to_gpu(array: Array) -> Array:
    """Return ``array`` as a CuPy array; a CuPy array is returned as it is."""
    return array if is_gpu(array) else cupy_module().asarray(array)


def linear_operator_class(xp: ModuleType) -> type:
    """The ``LinearOperator`` class that works on the arrays of ``xp``."""
    if xp is np:
        # Loaded here: it takes longer to import than all the rest of the package.
        from scipy.sparse.linalg import LinearOperator

        return LinearOperator
    return cupy_module("cupyx.scipy.sparse.linalg").LinearOperator
