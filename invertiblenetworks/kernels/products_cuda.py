"""Batches of matrix products on CuPy, by cuBLAS itself: nothing is copied.

Gradients of weights are products of few rows with few rows, over all pixels of all
samples. cuBLAS gives each to a few multiprocessors, which leaves a GPU idle. So the
pixels are cut into parts, whose products are one batch, and the sum over the batch
comes after it: in a fixed order, which atomic additions would not have.
"""

from __future__ import annotations

import functools

import numpy as np

from .._types import Array
from ..backend import cupy_module, get_array_module

ENOUGH_BLOCKS = 1024
"""Tiles of products that keep all of a GPU busy: several for each multiprocessor."""

TILE = 32
"""Rows and columns of the tile of a product that one block of threads computes."""

LEAST_SHARE = 4
"""The products of the parts are together this many times smaller than an operand."""

# cuBLAS is given the addresses of these factors, so they have to stay.
_ZERO_AND_ONE = {name: np.array([0, 1], name) for name in ("float32", "float64")}


def multiply(left: Array, right: Array, out: Array, *, add: bool = False) -> None:
    """Write products of two batches of matrices to ``out``, or add them to it.

    Parameters
    ----------
    left : array, shape (B, m, k)
        Of any strides.
    right : array, shape (B, k, n)
    out : array, shape (B, m, n)
        Both of any strides, as long as the rows of each matrix are contiguous.
    add : bool, default False
    """
    cuda, dtype = cupy_module("cupy.cuda"), out.dtype
    cublas = cuda.cublas
    gemm = {
        "float32": cublas.sgemmStridedBatched,
        "float64": cublas.dgemmStridedBatched,
    }[dtype.name]
    zero, one = _factors(dtype)
    left = _for_cublas(left)
    by_rows, step = _order(left)
    # cuBLAS stores matrices by columns, so it is asked for the transpose.
    gemm(
        cuda.device.get_cublas_handle(),
        cublas.CUBLAS_OP_N,
        cublas.CUBLAS_OP_N if by_rows else cublas.CUBLAS_OP_T,
        *(out.shape[2], out.shape[1], left.shape[2]),
        one,
        *_located(right),
        *(left.data.ptr, step, left.strides[0] // dtype.itemsize),
        one if add else zero,
        *_located(out),
        len(out),
    )


def multiply_each(
    matrix: Array, batch: Array, out: Array, *, add: bool = False
) -> None:
    """Multiply one matrix with each of a batch, see `multiply`."""
    xp, matrices = get_array_module(matrix), _for_cublas(matrix[None])
    lefts = xp.broadcast_to(matrices, (len(out), *matrix.shape))
    multiply(lefts, batch, out, add=add)


def correlate(left: Array, right: Array, n_windows: int = 1, shift: int = 0) -> Array:
    """Sum over samples and pixels of products of all rows with all rows.

    Parameters
    ----------
    left : array, shape (N, m, n)
    right : array, shape (N, k, at least n + (n_windows - 1) shift)
        Both of any strides; without a copy where rows or columns are contiguous.
    n_windows, shift : int, default 1 and 0
        The left rows meet those on the right as many times, each ``shift`` further on.

    Returns
    -------
    array, shape (n_windows, m, k)

    Notes
    -----
    Beyond the result it takes memory for the products of all parts: at most a quarter
    of the larger operand, or one product per sample and window if that is more.
    """
    xp = get_array_module(left, right)
    (n_samples, m, n), k = left.shape, right.shape[1]
    if n_samples * m * n * k == 0:
        return xp.zeros((n_windows, m, k), left.dtype)
    n_parts = parts_of(n, n_samples * n_windows, m, k, n_windows)
    length = n // n_parts
    rest = n - n_parts * length
    n_slots = n_parts + (rest > 0)
    products = xp.empty((n_windows, n_samples, n_slots, m, k), left.dtype)
    left, right = _for_cublas(left), _for_cublas(right)
    _multiply_parts(left, right, products[:, :, :n_parts], length, shift)
    if rest:
        stop = n_parts * length
        last, others = left[:, :, stop:], right[:, :, stop:]
        _multiply_parts(last, others, products[:, :, n_parts:], rest, shift)
    if n_samples * n_slots == 1:
        return products[:, 0, 0]
    return products.reshape(n_windows, -1, m, k).sum(axis=1)


def parts_of(n: int, n_products: int, m: int, k: int, n_windows: int = 1) -> int:
    """Into how many parts to cut the ``n`` pixels of so many products.

    A number that divides them, if there is one that is not much smaller.
    """
    n_blocks = n_products * -(-m // TILE) * -(-k // TILE)
    wanted = -(-ENOUGH_BLOCKS // n_blocks)
    most = max(1, min(wanted, n // (LEAST_SHARE * n_windows * min(m, k))))
    divisors = (p for p in range(most, most // 2, -1) if n % p == 0)
    return next(divisors, most)


def _multiply_parts(left, right, products, length, shift) -> None:
    """Write left times right, transposed, for each window, sample and part."""
    n_windows, n_samples, n_parts, m, k = products.shape
    cuda, dtype = cupy_module("cupy.cuda"), products.dtype
    cublas = cuda.cublas
    gemm = {"float32": cublas.sgemmBatched, "float64": cublas.dgemmBatched}[dtype.name]
    zero, one = _factors(dtype)
    batch = n_windows * n_samples * n_parts
    places = get_array_module(products).empty((3, batch), np.uint64)
    _addresses()(
        *(left.data.ptr, left.strides[0], left.strides[2] * length),
        *(right.data.ptr, right.strides[0], right.strides[2] * length),
        right.strides[2] * shift,
        *(products.data.ptr, products.strides[1], products.strides[2]),
        *(n_samples, n_parts),
        *places,
    )
    (left_by_rows, left_step), (right_by_rows, right_step) = map(_order, (left, right))
    at = places.data.ptr
    gemm(
        cuda.device.get_cublas_handle(),
        cublas.CUBLAS_OP_T if right_by_rows else cublas.CUBLAS_OP_N,
        cublas.CUBLAS_OP_N if left_by_rows else cublas.CUBLAS_OP_T,
        *(k, m, length),
        one,
        *(at + places.strides[0], right_step),
        *(at, left_step),
        zero,
        *(at + 2 * places.strides[0], k),
        batch,
    )


@functools.cache
def _addresses() -> object:
    """Kernel that writes where the operands and the product of each part begin."""
    return cupy_module().ElementwiseKernel(
        "uint64 left, int64 left_sample, int64 left_part, "
        "uint64 right, int64 right_sample, int64 right_part, int64 right_window, "
        "uint64 out, int64 out_sample, int64 out_part, "
        "int64 n_samples, int64 n_parts",
        "uint64 a, uint64 b, uint64 c",
        """
        const long long part = i % n_parts, rest = i / n_parts;
        const long long sample = rest % n_samples, window = rest / n_samples;
        a = left + sample * left_sample + part * left_part;
        b = right + sample * right_sample + part * right_part + window * right_window;
        c = out + rest * out_sample + part * out_part;
        """,
        "addresses_of_parts",
    )


def _for_cublas(matrices: Array) -> Array:
    """Return matrices whose rows or columns are contiguous: themselves, or a copy."""
    _, n_rows, n_columns = matrices.shape
    itemsize, (_, per_row, per_column) = matrices.itemsize, matrices.strides
    by_rows = per_column == itemsize or n_columns == 1
    by_columns = per_row == itemsize or n_rows == 1
    if by_rows and (per_row >= n_columns * itemsize or n_rows == 1):
        return matrices
    if by_columns and (per_column >= n_rows * itemsize or n_columns == 1):
        return matrices
    return get_array_module(matrices).ascontiguousarray(matrices)


def _order(matrices: Array) -> tuple[bool, int]:
    """Whether rows are contiguous, or else columns; and from one to the next."""
    _, n_rows, n_columns = matrices.shape
    itemsize, (_, per_row, per_column) = matrices.itemsize, matrices.strides
    # The stride of a single row says nothing, and cuBLAS would refuse a small one.
    if per_column == itemsize or n_columns == 1:
        return True, max(per_row // itemsize, n_columns)
    return False, max(per_column // itemsize, n_rows)


def _located(matrices: Array) -> tuple[int, int, int]:
    """Pointer, distance of two rows and distance of two matrices, as cuBLAS has it."""
    per_matrix, per_row, _ = matrices.strides
    itemsize = matrices.dtype.itemsize
    row = max(per_row // itemsize, matrices.shape[2])
    return matrices.data.ptr, row, per_matrix // itemsize


def _factors(dtype: np.dtype) -> tuple[int, int]:
    """Addresses of a zero and a one."""
    zero = _ZERO_AND_ONE[dtype.name].ctypes.data
    return zero, zero + dtype.itemsize
