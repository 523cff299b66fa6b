"""Elementwise functions and reductions of phantom arrays: what they allocate."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from .._types import Shape
from .phantom_iterator import Walked, buffer_bytes
from .phantom_layout import Carrier, like_operands
from .phantom_storage import Storage

Operand = tuple[Shape, Shape, np.dtype] | type
"""Shape, strides and type of an array; or the type of a Python number."""


NUMPY_VALUES = (np.ndarray, np.generic)


def operand(value: object) -> Operand:
    """Return what of a value decides on the layout and the type of a result."""
    if isinstance(value, Storage):
        carrier = value._carrier
        return carrier.shape, carrier.strides, carrier.dtype
    if isinstance(value, NUMPY_VALUES):
        return value.shape, value.strides, value.dtype
    if isinstance(value, bool):
        return (), (), np.dtype(bool)
    return type(value)


def first_phantom(values: Sequence[object]) -> Storage:
    """Return the first phantom array among the values."""
    for value in values:
        if isinstance(value, Storage):
            return value
    raise TypeError("expected a phantom array among the arguments, got none")


def apply(ufunc: np.ufunc, inputs: tuple, out=None, dtype: object = None):
    """Apply a NumPy ufunc of one result, elementwise.

    Parameters
    ----------
    ufunc : numpy.ufunc
        The function.
    inputs : tuple
        Phantom arrays, NumPy arrays and numbers; at least one phantom, here or as
        ``out``.
    out : phantom array, optional
        Where the result goes.
    dtype : dtype, optional
        Type of the result.
    """
    operands = tuple([operand(value) for value in inputs])
    if out is None:
        carrier, moment = result_of(ufunc, operands, dtype)
        result = first_phantom(inputs)._new(carrier)
    else:
        _expect_phantom(ufunc, out)
        moment = bytes_into(ufunc, operands, dtype, operand(out))
        if any([out._overlaps(value) for value in inputs]):
            moment += out.nbytes  # NumPy works on a copy, and copies it back.
        result = out
    if moment:
        result._memory.add_for_a_moment(moment)
    return result


def _expect_phantom(ufunc: np.ufunc, out: object) -> None:
    if not isinstance(out, Storage):
        kind = type(out).__name__
        raise TypeError(f"{ufunc.__name__}: phantom arrays have no values for {kind}")


@functools.lru_cache(maxsize=16384)
def result_of(
    ufunc: np.ufunc, operands: tuple[Operand, ...], dtype: object
) -> tuple[Carrier, int]:
    """Return the layout of a new result, and the bytes of buffers on the way."""
    *inner, result = _resolve(ufunc, operands, dtype)
    arrays = [o for o in operands if is_array(o)]
    carrier = broadcast(arrays, result)
    walked = walked_operands(operands, inner)
    walked.append(Walked(carrier.shape, carrier.strides, carrier.itemsize))
    return carrier, buffer_bytes(carrier.shape, walked)


@functools.lru_cache(maxsize=16384)
def bytes_into(
    ufunc: np.ufunc, operands: tuple[Operand, ...], dtype: object, out: Operand
) -> int:
    """Return the bytes of buffers on the way to a given array."""
    *inner, result = _resolve(ufunc, operands, dtype)
    shape, strides, out_type = out
    arrays = [o[0] for o in operands if is_array(o)]
    found = np.broadcast_shapes(*arrays)
    if np.broadcast_shapes(found, shape) != shape:
        raise ValueError(f"{ufunc.__name__}: a result of shape {found} for {shape}")
    if not np.can_cast(result, out_type, "same_kind"):
        raise TypeError(f"{ufunc.__name__}: a result of type {result} for {out_type}")
    walked = walked_operands(operands, inner)
    walked.append(Walked(shape, strides, result.itemsize, result != out_type))
    return buffer_bytes(shape, walked)


def _resolve(ufunc, operands, dtype) -> tuple[np.dtype, ...]:
    """Types of the operands as the function takes them, and of the result."""
    if ufunc.nout != 1:
        raise AttributeError(f"phantom arrays have no function {ufunc.__name__!r}")
    types = [o[2] if is_array(o) else o for o in operands]
    options = {}
    if dtype is not None:
        options["signature"] = (*[None] * len(types), np.dtype(dtype))
    return ufunc.resolve_dtypes((*types, None), **options)


def is_array(o: Operand) -> bool:
    """False for the type of a Python number."""
    return not isinstance(o, type)


def walked_operands(operands: Sequence[Operand], targets) -> list[Walked]:
    """The operands with axes, as they are gone through in these types."""
    return [
        Walked(o[0], o[1], target.itemsize, o[2] != target)
        for o, target in zip(operands, targets, strict=True)
        if is_array(o) and o[0] != ()
    ]


def broadcast(arrays: Sequence[Operand], dtype: np.dtype) -> Carrier:
    """Return the layout of the elementwise result of arrays."""
    shape = np.broadcast_shapes(*[o[0] for o in arrays])
    return like_operands(shape, dtype, tuple([o[:2] for o in arrays]))


def reduce(
    ufunc: np.ufunc,
    array: Storage,
    axis: int | tuple[int, ...] | None = None,
    dtype: object = None,
    out=None,
    keepdims: bool = False,
):
    """Reduce a phantom array with a ufunc along some axes, or all."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    carrier, moment = _reduced(ufunc, operand(array), axis, dtype, bool(keepdims))
    if out is not None and out.shape != carrier.shape:
        raise ValueError(f"{ufunc.__name__}: {carrier.shape} for {out.shape}")
    result = array._new(carrier) if out is None else out
    if moment:
        array._memory.add_for_a_moment(moment)
    return result


@functools.lru_cache(maxsize=4096)
def _reduced(ufunc, source, axis, dtype, keepdims) -> tuple[Carrier, int]:
    shape, strides, source_type = source
    ndim = len(shape)
    axes = range(ndim) if axis is None else np.atleast_1d(axis)
    summed = {range(ndim)[a] for a in axes}
    rest = [a for a in range(ndim) if a not in summed]
    example = ufunc.reduce(np.ones(1, source_type), dtype=dtype)
    kept = tuple(shape[a] for a in rest), tuple(strides[a] for a in rest)
    carrier = like_operands(kept[0], example.dtype, (kept,))
    spread = np.expand_dims(carrier, tuple(sorted(summed)))
    moment = 0
    # Truth is found without conversion.
    if example.dtype not in (bool, source_type):
        # The result itself needs no buffer.
        walked = [
            Walked(shape, strides, example.itemsize, True),
            Walked(spread.shape, spread.strides, 0),
        ]
        moment = buffer_bytes(shape, walked)
    return (spread if keepdims else carrier), moment
