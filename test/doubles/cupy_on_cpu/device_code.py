"""Device code that is compiled into the CuPy wheel: replaced or refused.

It cannot run on the host, and left alone it would return garbage.
"""

from __future__ import annotations

import ctypes

import cupy
import numpy as np
from cupy.cuda import thrust


def install() -> None:
    """Replace sorting, refuse random generators of the new style."""
    thrust.sort = _sort
    thrust.argsort = _argsort
    thrust.lexsort = _lexsort
    cupy.random.Generator = _refuse
    cupy.random.default_rng = _refuse


def _view(pointer: int, shape, dtype) -> np.ndarray:
    """Return the memory at ``pointer`` as a NumPy array, without a copy."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = (ctypes.c_char * size).from_address(pointer)
    return np.frombuffer(memory, dtype).reshape(shape)


def _sort(dtype, data, keys, shape):
    _view(data, shape, dtype).sort(axis=-1, kind="stable")


def _argsort(dtype, indices, data, keys, shape):
    order = np.argsort(_view(data, shape, dtype), axis=-1, kind="stable")
    _view(indices, shape, np.intp)[...] = order


def _lexsort(dtype, indices, keys, key_count, length):
    order = np.lexsort(_view(keys, (key_count, length), dtype))
    _view(indices, (length,), np.intp)[...] = order


def _refuse(*args, **kwargs):
    raise NotImplementedError(
        "cupy_on_cpu: cupy.random.Generator runs device code that is compiled into CuPy"
    )
