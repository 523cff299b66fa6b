"""The products of cuBLAS, called directly.

CuPy has functions for them, but these refuse to work while a CUDA graph is captured;
cuBLAS itself does not. Memory, streams and the handle are CuPy's.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import NamedTuple

import numpy as np

from ..backend import cupy_module

_LETTERS = {"f": "S", "d": "D"}
"""By ``dtype.char``: the name of a dtype is made anew each time."""

_POINTER, _INT, _LONG = ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong

_BEFORE = [_POINTER, *[_INT] * 5, _POINTER]  # handle, op, op, m, n, k, alpha

# cuBLAS is given the addresses of these factors, so they have to stay.
_ZERO_AND_ONE = {char: np.array([0, 1], char) for char in _LETTERS}

_FACTORS = {
    char: (factors.ctypes.data, factors.ctypes.data + factors.itemsize)
    for char, factors in _ZERO_AND_ONE.items()
}


class Operand(NamedTuple):
    """A batch of matrices in memory, as cuBLAS has it.

    Attributes
    ----------
    pointer : int
        Address of the first one; for `multiply_at`, of the addresses of all.
    step : int
        Numbers from one column to the next.
    per_matrix : int
        Numbers from one matrix to the next.
    transposed : bool
    """

    pointer: int
    step: int
    per_matrix: int = 0
    transposed: bool = False


def multiply(
    dtype: np.dtype,
    sizes: tuple[int, int, int],
    left: Operand,
    right: Operand,
    out: Operand,
    n_products: int,
    *,
    add: bool = False,
) -> None:
    """Write products of matrices of sizes ``(m, k)`` and ``(k, n)``, or add them.

    ``sizes`` are ``(m, n, k)``. Matrices are stored by columns.
    """
    zero, one = _FACTORS[dtype.char]
    begin = (*_begin(left, right), *sizes, one)
    end = one if add else zero
    if n_products == 1:
        # This one may share the sum among multiprocessors, which no batch does.
        operands = (*left[:2], *right[:2], end, *out[:2])
        _check(_function(dtype.char, "gemm_v2")(*begin, *operands))
        return
    operands = (*left[:3], *right[:3], end, *out[:3])
    function = _function(dtype.char, "gemmStridedBatched")
    _check(function(*begin, *operands, n_products))


def multiply_at(
    dtype: np.dtype,
    sizes: tuple[int, int, int],
    left: Operand,
    right: Operand,
    out: Operand,
    n_products: int,
) -> None:
    """The same of matrices anywhere; operands point to arrays of their addresses."""
    zero, one = _FACTORS[dtype.char]
    begin = (*_begin(left, right), *sizes, one)
    operands = (*left[:2], *right[:2], zero, *out[:2])
    function = _function(dtype.char, "gemmBatched")
    _check(function(*begin, *operands, n_products))


def _begin(left: Operand, right: Operand) -> tuple[int, int, int]:
    """The handle, made ready for the current stream, and what to transpose."""
    cuda = cupy_module("cupy.cuda")
    handle = cuda.device.get_cublas_handle()
    _check(_set_stream()(handle, cuda.get_current_stream().ptr))
    return handle, int(left.transposed), int(right.transposed)


@functools.cache
def _library() -> ctypes.CDLL:
    """The library that CuPy has loaded."""
    cuda = cupy_module("cupy.cuda")
    major = cuda.cublas.getVersion(cuda.device.get_cublas_handle()) // 10000
    on_windows = sys.platform == "win32"
    name = f"cublas64_{major}.dll" if on_windows else f"libcublas.so.{major}"
    return ctypes.CDLL(name)


@functools.cache
def _set_stream() -> object:
    function = _library().cublasSetStream_v2
    function.argtypes = [_POINTER, _POINTER]
    return function


@functools.cache
def _function(dtype: str, name: str) -> object:
    function = getattr(_library(), f"cublas{_LETTERS[dtype]}{name}")
    if name == "gemmStridedBatched":
        operand, last = [_POINTER, _INT, _LONG], [_INT]
    else:
        operand, last = [_POINTER, _INT], [_INT] if name == "gemmBatched" else []
    function.argtypes = [*_BEFORE, *operand * 2, _POINTER, *operand, *last]
    return function


def _check(status: int) -> None:
    if status:
        raise RuntimeError(f"cuBLAS reports status {status}")
