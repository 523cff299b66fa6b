"""The array class of the strict double: NumPy arrays that stay on their device."""

from __future__ import annotations

import operator

import numpy as np

from .memory import allocation_of, counters


def unwrap(value, where):
    """Return ``value`` with every device array replaced by the NumPy array in it.

    Raises
    ------
    TypeError
        For a NumPy array: CuPy takes none, or would copy it to the device silently.
    """
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(
            f"{where}: Unsupported type {np.ndarray} (implicit host-to-device copy)"
        )
    if isinstance(value, (list, tuple)):
        return type(value)([unwrap(item, where) for item in value])
    if isinstance(value, dict):
        return {key: unwrap(item, where) for key, item in value.items()}
    return value


def wrap(value):
    """Return ``value`` with every NumPy array as a device array.

    NumPy scalars become 0-d arrays, since CuPy's functions return no scalars.
    """
    if isinstance(value, list):
        return [wrap(item) for item in value]
    if isinstance(value, tuple):
        return tuple(wrap(item) for item in value)
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray):
        return value
    array = object.__new__(ndarray)
    array._host = value
    array._allocation = allocation_of(value)
    return array


class ndarray:
    """A device array. Most methods are added by ``namespace.py`` from CuPy's table."""

    __slots__ = ("__weakref__", "_allocation", "_host")

    __hash__ = None
    __array_priority__ = 100

    # The modules that np.exp(x) or np.linalg.norm(x) are sent to.
    _namespace = None

    def __new__(cls, shape, dtype=float, order="C"):
        return wrap(np.empty(shape, dtype, order=order))

    def __getattr__(self, name):
        hint = " (numpy.ndarray has)" if hasattr(np.ndarray, name) else ""
        raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}{hint}")

    # --- NumPy must not look inside, but may hand its calls on -----------------------

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, numpy_ufunc, method, *args, **kwargs):
        function = getattr(self._namespace, numpy_ufunc.__name__)
        if "out" in kwargs:
            (kwargs["out"],) = kwargs["out"]
        if method == "__call__":
            return function(*args, **kwargs)
        return getattr(function, method)(*args, **kwargs)

    def __array_function__(self, numpy_function, types, args, kwargs):
        module = self._namespace
        for part in numpy_function.__module__.split(".")[1:]:
            module = getattr(module, part)
        return getattr(module, numpy_function.__name__)(*args, **kwargs)

    # --- attributes that cost nothing ------------------------------------------------

    shape = property(operator.attrgetter("_host.shape"))
    strides = property(operator.attrgetter("_host.strides"))
    dtype = property(operator.attrgetter("_host.dtype"))
    ndim = property(operator.attrgetter("_host.ndim"))
    size = property(operator.attrgetter("_host.size"))
    itemsize = property(operator.attrgetter("_host.itemsize"))
    nbytes = property(operator.attrgetter("_host.nbytes"))
    flags = property(operator.attrgetter("_host.flags"))
    base = property(lambda self: wrap(self._host.base))
    T = property(lambda self: wrap(self._host.T))
    mT = property(lambda self: wrap(self._host.mT))
    real = property(lambda self: wrap(self._host.real))
    imag = property(lambda self: wrap(self._host.imag))
    device = property(lambda self: "<strict double, device 0>")

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[index] for index in range(len(self)))

    # --- transfers between host and device -------------------------------------------

    def get(self, stream=None, order="C", out=None, blocking=True):
        """Copy to the host."""
        counters.synchronise()
        if out is None:
            return self._host.copy(order=order)
        np.copyto(out, self._host)
        return out

    def set(self, arr, stream=None):
        """Overwrite with an array of the host."""
        counters.h2d += 1
        self._host[...] = arr

    def item(self):
        counters.synchronise()
        return self._host.item()

    def tolist(self):
        counters.synchronise()
        return self._host.tolist()

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __complex__(self):
        return complex(self.item())

    def __index__(self):
        counters.synchronise()
        return self._host.__index__()

    def __bool__(self):
        counters.synchronise()
        return bool(self._host)

    def __repr__(self):
        counters.synchronise()
        return repr(self._host)

    def __str__(self):
        counters.synchronise()
        return str(self._host)

    def __format__(self, specification):
        counters.synchronise()
        return format(self._host, specification)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    # --- indexing --------------------------------------------------------------------

    def __getitem__(self, index):
        return wrap(self._host[_host_index(index)])

    def __setitem__(self, index, value):
        if isinstance(value, (list, tuple)):
            value = np.asarray(value)
        if isinstance(value, np.ndarray) and value.ndim > 0:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        counters.launches += 1
        host_value = value._host if isinstance(value, ndarray) else value
        self._host[_host_index(index)] = host_value


def _host_index(index):
    parts = index if isinstance(index, tuple) else (index,)
    return tuple(_host_index_part(part) for part in parts)


def _host_index_part(part):
    if isinstance(part, (list, np.ndarray)):
        counters.h2d += 1  # CuPy uploads these without a word
        return np.asarray(part)
    if isinstance(part, ndarray):
        if part.dtype == bool:
            counters.synchronise()  # the number of selected elements
        return part._host
    return part
