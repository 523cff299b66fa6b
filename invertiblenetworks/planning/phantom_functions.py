"""Functions of phantom arrays, with the names and parameters of those of NumPy."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from .._types import Shape
from .phantom_iterator import Walked, buffer_bytes
from .phantom_layout import Carrier, like_operands
from .phantom_matmul import matmul, tensordot
from .phantom_ufunc import (
    apply,
    broadcast,
    first_phantom,
    is_array,
    operand,
    walked_operands,
)


def _view_function(function: Callable) -> Callable:
    """A function that returns a view: NumPy itself says which."""

    def view(array, *args, **kwargs):
        return array._view(function(array._carrier, *args, **kwargs))

    return view


def _method_function(name: str) -> Callable:
    def call(array, *args, **kwargs):
        return getattr(array, name)(*args, **kwargs)

    return call


def as_strided(array, shape=None, strides=None):
    function = np.lib.stride_tricks.as_strided
    return array._view(function(array._carrier, shape, strides, subok=True))


def broadcast_to(array, shape):
    return array._view(np.broadcast_to(array._carrier, shape, subok=True))


expand_dims = _view_function(np.expand_dims)


def empty_like(prototype, dtype=None, *, shape: Shape | None = None):
    return prototype._like(dtype, shape)


def full_like(prototype, fill_value, dtype=None, *, shape: Shape | None = None):
    return prototype._like(dtype, shape)


def asarray(array, dtype=None):
    first_phantom((array,))
    return array if dtype is None else array.astype(dtype, copy=False)


def ascontiguousarray(array, dtype=None):
    array = asarray(array, dtype)
    return array if array.flags.c_contiguous and array.ndim else array.copy()


def copyto(target, source, casting="same_kind"):
    target._assign(source)


def concatenate(arrays, axis=0, *, dtype=None):
    arrays = list(arrays)
    if axis is None:
        return concatenate([a.ravel() for a in arrays], dtype=dtype)
    shape = list(arrays[0].shape)
    axis = range(len(shape))[axis]
    shape[axis] = sum(a.shape[axis] for a in arrays)
    others = {(*a.shape[:axis], *a.shape[axis + 1 :]) for a in arrays}
    if len(others) != 1:
        shapes = [a.shape for a in arrays]
        raise ValueError(f"concatenate: shapes {shapes} differ beside axis {axis}")
    dtype = np.result_type(*[a.dtype for a in arrays]) if dtype is None else dtype
    layouts = tuple([(a.shape, a.strides) for a in arrays])
    carrier = like_operands(tuple(shape), np.dtype(dtype), layouts)
    return first_phantom(arrays)._new(carrier)


def stack(arrays, axis=0, *, dtype=None):
    return concatenate([expand_dims(a, axis) for a in arrays], axis, dtype=dtype)


def roll(array, shift, axis=None):
    if axis is None:
        return roll(array.ravel(), shift, 0).reshape(array.shape)
    return array._like()


def where(condition, x, y):
    operands = tuple([operand(v) for v in (condition, x, y)])
    dtype = np.result_type(*[_for_promotion(v) for v in (x, y)])
    carrier, moment = _chosen(operands, dtype)
    result = first_phantom((condition, x, y))._new(carrier)
    if moment:
        result._memory.add_for_a_moment(moment)
    return result


@functools.lru_cache(maxsize=4096)
def _chosen(operands, dtype) -> tuple[Carrier, int]:
    carrier = broadcast([o for o in operands if is_array(o)], dtype)
    walked = walked_operands(operands, (np.dtype(bool), dtype, dtype))
    walked.append(Walked(carrier.shape, carrier.strides, carrier.itemsize))
    return carrier, buffer_bytes(carrier.shape, walked, grow=False)


def _for_promotion(value):
    """The type of an array; a Python number as it is, for it has a weak type."""
    return getattr(value, "dtype", value)


def outer(a, b, out=None):
    return apply(np.multiply, (a.ravel()[:, None], b.ravel()[None, :]), out)


_VIEWS = ("flip", "moveaxis", "squeeze", "swapaxes", "transpose")
_METHODS = (
    "all",
    "any",
    "copy",
    "max",
    "mean",
    "min",
    "prod",
    "ravel",
    "reshape",
    "sum",
)

FUNCTIONS = {
    **{name: _view_function(getattr(np, name)) for name in _VIEWS},
    **{name: _method_function(name) for name in _METHODS},
    "asarray": asarray,
    "broadcast_to": broadcast_to,
    "ascontiguousarray": ascontiguousarray,
    "concatenate": concatenate,
    "copyto": copyto,
    "empty_like": empty_like,
    "expand_dims": expand_dims,
    "full_like": full_like,
    "matmul": matmul,
    "ones_like": empty_like,
    "outer": outer,
    "roll": roll,
    "stack": stack,
    "tensordot": tensordot,
    "where": where,
    "zeros_like": empty_like,
}
"""What a module of phantom arrays offers beside ufuncs and new arrays."""
