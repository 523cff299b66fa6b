"""Calls into NumPy that follow CuPy's rules: its parameters, no host arrays."""

from __future__ import annotations

import numpy as np

from .api_table import check_arguments
from .device_array import unwrap, wrap
from .memory import counters

# The size of their result, or the result itself, must come back to the host.
SYNCHRONISING = {
    "argwhere",
    "array2string",
    "array_repr",
    "array_str",
    "dump",
    "dumps",
    "extract",
    "flatnonzero",
    "nonzero",
    "save",
    "savetxt",
    "savez",
    "savez_compressed",
    "tobytes",
    "tofile",
    "unique",
}

# They read from the host.
UPLOADING = {
    "frombuffer",
    "fromfile",
    "fromfunction",
    "fromiter",
    "fromstring",
    "genfromtxt",
    "load",
    "loadtxt",
}

# Python booleans in NumPy, 0-d arrays (so no synchronisation yet) in CuPy.
RETURNING_ARRAYS = {"allclose", "array_equal", "array_equiv"}

UFUNCS_WITH_AT = {
    "add",
    "subtract",
    "maximum",
    "minimum",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
}
UFUNCS_WITH_REDUCE = {"add", "multiply"}
UFUNC_KEYWORDS = {"out", "dtype", "casting"}


def call_numpy(function, parameters, where, args, kwargs):
    """Call a NumPy function by CuPy's rules and put the result on the device.

    Parameters
    ----------
    function : callable
        The NumPy function.
    parameters : str
        CuPy's parameter list, as in ``api.json``.
    where : str
        Full name of CuPy's function, for messages.
    args, kwargs
        The arguments.
    """
    check_arguments(where, parameters, args, kwargs)
    name = where.split(".")[-1]
    counters.launches += 1
    if name in SYNCHRONISING:
        counters.synchronise()
    if name in UPLOADING:
        counters.h2d += 1
    result = function(*unwrap(args, where), **unwrap(kwargs, where))
    if kwargs.get("out") is not None:
        return kwargs["out"]
    if name in RETURNING_ARRAYS:
        result = np.asarray(result)
    return wrap(result)


def strict_function(function, parameters, where):
    """Make a function of CuPy, called ``where``, out of one of NumPy."""

    def call(*args, **kwargs):
        return call_numpy(function, parameters, where, args, kwargs)

    call.__name__ = call.__qualname__ = where
    return call


def strict_method(name, parameters):
    """Make the method ``name`` of the array class out of NumPy's."""

    def method(self, *args, **kwargs):
        function = getattr(self._host, name)
        return call_numpy(function, parameters, f"cupy.ndarray.{name}", args, kwargs)

    method.__name__ = name
    return method


class ufunc:
    """An elementwise function with the keywords and methods that CuPy gives it."""

    def __init__(self, name):
        self._numpy = getattr(np, name)
        self.__name__ = name
        self.nin = self._numpy.nin
        self.nout = self._numpy.nout

    def __repr__(self):
        return f"<ufunc 'cupy_{self.__name__}'>"

    def __call__(self, *args, **kwargs):
        wrong = {key: kwargs[key] for key in kwargs if key not in UFUNC_KEYWORDS}
        if wrong:
            raise TypeError(f"Wrong arguments {wrong}")
        where = f"cupy.{self.__name__}"
        counters.launches += 1
        result = self._numpy(*unwrap(args, where), **unwrap(kwargs, where))
        if kwargs.get("out") is not None:
            return kwargs["out"]
        return wrap(result)

    def at(self, array, indices, values):
        """Update ``array`` in place at ``indices``; repeated indices accumulate."""
        self._require("at", UFUNCS_WITH_AT)
        counters.launches += 1
        where = f"cupy.{self.__name__}.at"
        self._numpy.at(*unwrap((array, indices, values), where))

    def reduce(self, *args, **kwargs):
        self._require("reduce", UFUNCS_WITH_REDUCE)
        parameters = "array, axis=..., dtype=..., out=..., keepdims=..."
        where = f"cupy.{self.__name__}.reduce"
        return call_numpy(self._numpy.reduce, parameters, where, args, kwargs)

    def accumulate(self, *args, **kwargs):
        self._require("accumulate", UFUNCS_WITH_REDUCE)
        parameters = "array, axis=..., dtype=..., out=..."
        where = f"cupy.{self.__name__}.accumulate"
        return call_numpy(self._numpy.accumulate, parameters, where, args, kwargs)

    def _require(self, method, names):
        if self.__name__ not in names:
            raise NotImplementedError(
                f"`cupy_{self.__name__}.{method}` is not supported yet"
            )
