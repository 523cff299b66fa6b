"""The modules ``cupy``, ``cupy.linalg`` and so on, filled from CuPy's own table."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from . import transfer
from .api_table import API, VERSION
from .calls import strict_function, strict_method, ufunc
from .device_array import ndarray
from .memory import OutOfMemoryError, pool
from .operators import add_operators

# NumPy's own types that CuPy hands on; so are the dtypes and the exceptions.
SHARED_TYPES = {"dtype", "finfo", "iinfo", "ndindex"}


class StrictModule(ModuleType):
    """A module that offers what the table of CuPy names, computed by NumPy.

    Parameters
    ----------
    name : str
        Full name of the module.
    table : dict
        Its part of ``api.json``.
    numpy_module : module
        Where the implementations are.
    """

    def __init__(self, name, table, numpy_module):
        super().__init__(name)
        self._table = table
        self._numpy = numpy_module

    def __getattr__(self, name):
        """Make the function on its first use; it is stored for the next one."""
        if name.startswith("__"):
            raise AttributeError(name)
        value = self._make(name)
        setattr(self, name, value)
        return value

    def _make(self, name):
        numpy_value = getattr(self._numpy, name, None)
        if name in self._table["ufuncs"]:
            return ufunc(name)
        if name in self._table["functions"] and numpy_value is not None:
            parameters = self._table["functions"][name]
            where = f"{self.__name__}.{name}"
            return strict_function(numpy_value, parameters, where)
        if name in self._table["constants"] and _is_shared_constant(name, numpy_value):
            return numpy_value
        if name in self._table["types"] and _is_shared_type(name, numpy_value):
            return numpy_value
        hint = ", though NumPy has" if hasattr(self._numpy, name) else ""
        raise AttributeError(
            f"module {self.__name__!r} has no attribute {name!r} "
            f"(strict double of CuPy {VERSION}){hint}"
        )


def _is_shared_constant(name, value):
    return name == "newaxis" or isinstance(value, float)


def _is_shared_type(name, value):
    is_class = isinstance(value, type)
    return name in SHARED_TYPES or (
        is_class and issubclass(value, (np.generic, Exception))
    )


def get_array_module(*arrays):
    """Return ``cupy`` if one of the arguments lives on the device, else ``numpy``."""
    on_device = any(isinstance(array, ndarray) for array in arrays)
    return cupy if on_device else np


def is_available():
    return True


def _device_module():
    """Build the little of ``cupy.cuda`` that makes sense without kernels."""
    cuda = ModuleType("cupy.cuda")
    cuda.memory = ModuleType("cupy.cuda.memory")
    cuda.memory.OutOfMemoryError = OutOfMemoryError
    cuda.is_available = is_available
    return cuda


def _build():
    for name, parameters in API["ndarray"]["methods"].items():
        if hasattr(np.ndarray, name) and name not in vars(ndarray):
            setattr(ndarray, name, strict_method(name, parameters))
    add_operators()

    module = StrictModule("cupy", API["cupy"], np)
    module.__version__ = VERSION
    module.ndarray = ndarray
    module.ufunc = ufunc
    module.asarray = transfer.asarray
    module.array = transfer.array
    module.asnumpy = transfer.asnumpy
    module.get_array_module = get_array_module
    module.get_default_memory_pool = lambda: pool
    module.is_available = is_available
    module.linalg = StrictModule("cupy.linalg", API["linalg"], np.linalg)
    module.lib = ModuleType("cupy.lib")
    module.lib.stride_tricks = StrictModule(
        "cupy.lib.stride_tricks", API["stride_tricks"], np.lib.stride_tricks
    )
    module.cuda = _device_module()
    ndarray._namespace = module
    return module


cupy = _build()
