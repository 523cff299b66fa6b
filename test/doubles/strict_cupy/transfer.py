"""The explicit ways between host and device."""

from __future__ import annotations

import numpy as np

from .device_array import ndarray, unwrap, wrap
from .memory import counters


def asarray(a, dtype=None, order=None, *, blocking=False):
    """Return ``a`` on the device, without a copy if it is there already."""
    if isinstance(a, ndarray):
        return wrap(np.asarray(a._host, dtype, order))
    return array(a, dtype, order=order or "K")


def array(
    obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False
):
    """Return a new device array."""
    if _holds_device_arrays(obj):
        source = unwrap(obj, "cupy.array")  # joined on the device: nothing is uploaded
    else:
        counters.h2d += 1
        source = obj
        copy = True
    must_copy = True if copy else None
    return wrap(np.array(source, dtype, copy=must_copy, order=order, ndmin=ndmin))


def _holds_device_arrays(obj):
    if isinstance(obj, (list, tuple)):
        return any(_holds_device_arrays(item) for item in obj)
    return isinstance(obj, ndarray)


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    """Return ``a`` as a NumPy array."""
    if isinstance(a, ndarray):
        return a.get(stream, order, out)
    return np.asarray(a, order=order)
