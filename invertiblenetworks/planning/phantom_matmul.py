"""Matrix products of phantom arrays: their results, and what BLAS needs copied."""

from __future__ import annotations

import functools
import math

import numpy as np

from .._types import Shape
from .phantom_layout import Carrier, like_operands
from .phantom_ufunc import Operand, first_phantom, operand


def matmul(a, b, out=None):
    """Matrix product, also of stacks of matrices, as ``numpy.matmul``."""
    carrier, moment = _product(operand(a), operand(b))
    if out is None:
        result, stored = first_phantom((a, b))._new(carrier), carrier
    else:
        if carrier.shape != out.shape:
            raise ValueError(f"matmul: a result of shape {carrier.shape}: {out.shape}")
        result, stored = out, out._carrier
        if out._overlaps(a) or out._overlaps(b):
            moment += out.nbytes
    moment += _blas_bytes(operand(a), operand(b), (stored.shape, stored.strides))
    if moment:
        result._memory.add_for_a_moment(moment)
    return result


@functools.lru_cache(maxsize=4096)
def _product(a: Operand, b: Operand) -> tuple[Carrier, int]:
    """Return the layout of a product, and the bytes of operands in another type."""
    (stack_a, (m, n)), (stack_b, (n_b, p)) = _matrices(a), _matrices(b, column=True)
    if n != n_b:
        raise ValueError(f"matmul: shapes {a[0]} and {b[0]} do not fit")
    *inner, dtype = np.matmul.resolve_dtypes((a[2], b[2], None))
    core = (m,) * (len(a[0]) > 1) + (p,) * (len(b[0]) > 1)
    shape = np.broadcast_shapes(stack_a[0], stack_b[0]) + core
    unmoved = len(core)
    # A matrix is in C order, whatever the operands; only the stack is as they are.
    operands = tuple(
        (stack[0] + (1,) * unmoved, stack[1] + (0,) * unmoved)
        for stack in (stack_a, stack_b)
    )
    moment = sum(
        math.prod(o[0]) * t.itemsize
        for o, t in zip((a, b), inner, strict=True)
        if o[2] != t
    )
    return like_operands(shape, dtype, operands), moment


def _matrices(o: Operand, column: bool = False):
    """Return (shape and strides of the stack, shape of one matrix)."""
    shape, strides, _ = o
    if not shape:
        raise ValueError("matmul: expected arrays with axes, got a number")
    if len(shape) == 1:
        return ((), ()), (shape[0], 1) if column else (1, shape[0])
    return (shape[:-2], strides[:-2]), shape[-2:]


@functools.lru_cache(maxsize=4096)
def _blas_bytes(a: Operand, b: Operand, result: tuple[Shape, Shape]) -> int:
    """Bytes of copies of matrices whose strides BLAS does not take.

    NumPy copies one matrix of a stack at a time, and none if there is a vector.
    """
    operands = (a[:2], b[:2], result)
    if a[2] != b[2] or any(min(shape[-2:], default=1) == 1 for shape, _ in operands):
        return 0
    if any(len(shape) < 2 for shape, _ in operands):
        return 0
    size = a[2].itemsize
    return sum(
        size * math.prod(shape[-2:])
        for shape, strides in operands
        if not _is_blasable(shape[-2:], strides[-2:], size)
    )


def _is_blasable(shape: Shape, strides: Shape, itemsize: int) -> bool:
    """True if the entries of a row, or of a column, are neighbours in memory."""
    (rows, columns), (row_step, column_step) = shape, strides
    in_rows = column_step == itemsize and row_step >= columns * itemsize
    in_columns = row_step == itemsize and column_step >= rows * itemsize
    return in_rows or in_columns


def dot(a, b):
    """Matrix product of two matrices, as ``numpy.dot``: copies what has gaps."""
    (_, n), (n_b, _) = a.shape, b.shape
    if n != n_b:
        raise ValueError(f"dot: shapes {a.shape} and {b.shape} do not fit")
    # Held until the end, like the operands themselves.
    a, b = (m if _is_one_segment(m) else m.copy() for m in (a, b))
    return matmul(a, b)


def _is_one_segment(matrix) -> bool:
    flags = matrix.flags
    return flags.c_contiguous or flags.f_contiguous


def tensordot(a, b, axes):
    """Sum products over pairs of axes, as ``numpy.tensordot``."""
    axes_a, axes_b = (range(-axes, 0), range(axes)) if _is_count(axes) else axes
    summed_a = [range(a.ndim)[i] for i in np.atleast_1d(axes_a)]
    summed_b = [range(b.ndim)[i] for i in np.atleast_1d(axes_b)]
    rest_a = [i for i in range(a.ndim) if i not in summed_a]
    rest_b = [i for i in range(b.ndim) if i not in summed_b]
    n_summed = math.prod(a.shape[i] for i in summed_a)
    left = a.transpose(rest_a + summed_a).reshape(-1, n_summed)
    right = b.transpose(summed_b + rest_b).reshape(n_summed, -1)
    product = dot(left, right)
    shape = [a.shape[i] for i in rest_a] + [b.shape[i] for i in rest_b]
    return product.reshape(shape)


def _is_count(axes: object) -> bool:
    return isinstance(axes, int)
