"""Formulas of additive couplings and reflections, on NumPy and on CuPy.

Each takes the arrays that it reads and then those that it writes. A written array may
have the memory of one that is read and is of the same kind: ``b`` that of ``b2``,
``db`` that of ``db2``, ``dp`` that of ``p``, and the reverse.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from .._types import Array
from ..backend import get_array_module, has_cuda_kernels
from .coupling_cuda import Formula


def _with_kernel(read: str, written: str, statements: str) -> Callable:
    """Give array code a kernel that does the same in one launch on CuPy."""

    def decorate(array_code):
        kernel = Formula(array_code.__name__, read, written, statements)
        n_read = len(read.split())

        @functools.wraps(array_code)
        def formula(*arrays):
            if has_cuda_kernels(get_array_module(*arrays)):
                kernel(arrays[:n_read], arrays[n_read:])
            else:
                array_code(*arrays)

        return formula

    return decorate


@_with_kernel("b p", "b2", "b2 = b + p;")
def additive_forward(b: Array, p: Array, b2: Array) -> None:
    """``b2 = b + p``."""
    get_array_module(b).add(b, p, out=b2)


@_with_kernel("b2 p", "b", "b = b2 - p;")
def additive_inverse(b2: Array, p: Array, b: Array) -> None:
    """``b = b2 - p``."""
    get_array_module(b2).subtract(b2, p, out=b)


@_with_kernel("db2 b2 p", "db dp b", "db = db2; dp = db2; b = b2 - p;")
def additive_backward(
    db2: Array, b2: Array, p: Array, db: Array, dp: Array, b: Array
) -> None:
    """Gradient of `additive_forward`: ``db = dp = db2``; also ``b``."""
    additive_inverse(b2, p, b)
    dp[...] = db2
    db[...] = db2


@_with_kernel("db b p", "db2 dp b2", "db2 = db; dp = -db; b2 = b + p;")
def additive_backward_inv(
    db: Array, b: Array, p: Array, db2: Array, dp: Array, b2: Array
) -> None:
    """Gradient of `additive_inverse`: ``db2 = -dp = db``; also ``b2``."""
    additive_forward(b, p, b2)
    get_array_module(db).negative(db, out=dp)
    db2[...] = db


@_with_kernel("b p", "b2", "b2 = p - b;")
def reflection(b: Array, p: Array, b2: Array) -> None:
    """``b2 = p - b``, which is its own inverse."""
    get_array_module(b).subtract(p, b, out=b2)


@_with_kernel("db2 b2 p", "db dp b", "db = -db2; dp = db2; b = p - b2;")
def reflection_backward(
    db2: Array, b2: Array, p: Array, db: Array, dp: Array, b: Array
) -> None:
    """Gradient of `reflection`: ``-db = dp = db2``; also ``b``."""
    reflection(b2, p, b)
    dp[...] = db2
    get_array_module(db2).negative(db2, out=db)
