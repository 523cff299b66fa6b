"""Matrix products on CuPy: nothing is copied, and CUDA graphs can be captured.

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
from . import cublas

ENOUGH_BLOCKS = 1024
"""Tiles of products that keep all of a GPU busy: several for each multiprocessor."""

TILE = 64
"""Rows and columns of the tile of a product that one block of threads computes."""

LEAST_SHARE = 4
"""The products of the parts are together this many times smaller than an operand."""


def multiply(left: Array, right: Array, out: Array, *, add: bool = False) -> None:
    """Write products of two batches of matrices to ``out``, or add them to it.

    Parameters
    ----------
    left : array, shape (B, m, k)
    right : array, shape (B, k, n)
        Both of any strides; without a copy where rows or columns are contiguous. A
        batch of one matrix stands for one that is repeated.
    out : array, shape (B, m, n)
        Rows or columns are contiguous.
    add : bool, default False
    """
    if not _order(out)[0]:
        left, right, out = (x.swapaxes(1, 2) for x in (right, left, out))
    left, right = _for_cublas(left), _for_cublas(right)
    sizes = (out.shape[2], out.shape[1], left.shape[2])
    # cuBLAS stores matrices by columns, so it is asked for the transpose.
    cublas.multiply(
        out.dtype,
        sizes,
        _operand(right),
        _operand(left),
        _operand(out),
        len(out),
        add=add,
    )


def product(a: Array, b: Array) -> Array:
    """Return ``a @ b`` of two matrices, or of a matrix and a vector."""
    rows, columns = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
    shape = (*a.shape[:-1], *b.shape[1:])
    xp = get_array_module(a, b)
    if 0 in (*rows.shape, *columns.shape):
        return xp.zeros(shape, a.dtype)
    out = xp.empty((1, len(rows), columns.shape[1]), a.dtype)
    multiply(rows[None], columns[None], out)
    return out.reshape(shape)


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
    batch = n_windows * n_samples * n_parts
    places = get_array_module(products).empty((3, batch), np.uint64)
    _addresses()(
        *(left.data.ptr, left.strides[0], left.strides[2] * length),
        *(right.data.ptr, right.strides[0], right.strides[2] * length),
        right.strides[2] * shift,
        *(products.data.ptr, products.strides[1], products.strides[2]),
        *(n_samples, n_parts, batch),
        places,
        size=batch,
    )
    at_left, at_right, at_out = range(
        places.data.ptr, places.data.ptr + places.nbytes, places.strides[0]
    )
    (left_by_rows, left_step), (right_by_rows, right_step) = map(_order, (left, right))
    cublas.multiply_at(
        products.dtype,
        (k, m, length),
        cublas.Operand(at_right, right_step, transposed=right_by_rows),
        cublas.Operand(at_left, left_step, transposed=not left_by_rows),
        cublas.Operand(at_out, k),
        batch,
    )


@functools.cache
def _addresses() -> object:
    """Kernel that writes where the operands and the product of each part begin."""
    return cupy_module().ElementwiseKernel(
        "uint64 left, int64 left_sample, int64 left_part, "
        "uint64 right, int64 right_sample, int64 right_part, int64 right_window, "
        "uint64 out, int64 out_sample, int64 out_part, "
        "int64 n_samples, int64 n_parts, int64 batch",
        "raw uint64 places",
        """
        const long long part = i % n_parts, rest = i / n_parts;
        const long long sample = rest % n_samples, window = rest / n_samples;
        unsigned long long *place = &places[0] + i;
        place[0] = left + sample * left_sample + part * left_part;
        place[batch] = right + sample * right_sample + part * right_part
            + window * right_window;
        place[2 * batch] = out + rest * out_sample + part * out_part;
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


def _operand(matrices: Array) -> cublas.Operand:
    """The transposes of these matrices, as cuBLAS has it."""
    by_rows, step = _order(matrices)
    per_matrix = 0 if len(matrices) == 1 else matrices.strides[0] // matrices.itemsize
    return cublas.Operand(matrices.data.ptr, step, per_matrix, not by_rows)
