"""Matrix products with few rows, cut into parts that the BLAS multiplies faster.

A BLAS copies both matrices to the order in which it reads them, before it multiplies.
For matrices of few rows this takes a third of the time or more. For products of at
most a million multiplications OpenBLAS has kernels that do not copy, on processors
with AVX-512; so a product with a long side is computed as a stack of such ones, in
one call. These kernels want rows that begin on lines of the cache and no power of two
apart (`workspace.scratch_matrix`), and are fastest with weights in Fortran order.

On other processors products are left whole.
"""

from __future__ import annotations

from .._types import Array
from ..backend import get_array_module, has_cuda_kernels, on_host
from . import products_cuda
from .blas import has_small_kernels

MOST_MULTIPLICATIONS = 10**6
"""Of a product that a kernel for small matrices takes."""

LEAST_WIDTH, MOST_WIDTH = 64, 256
"""Columns of a part of a product, if there are parts."""

UNIT = 16
"""Lengths of parts are multiples of this many numbers."""


def product(a: Array, b: Array) -> Array:
    """Return ``a @ b`` of two matrices, or of a matrix and a vector.

    On a device it does not need CuPy's own, which no CUDA graph can hold.
    """
    cuda = has_cuda_kernels(get_array_module(a, b))
    return products_cuda.product(a, b) if cuda else a @ b


def multiply(a: Array, b: Array, out: Array) -> None:
    """Write the product of ``(M, K)`` and ``(K, n)`` to ``(M, n)``, for n that is long.

    Parameters
    ----------
    a : array
        Best as `arranged`.
    b, out : array
        With rows in order.
    """
    xp, (m, k), n = get_array_module(b), a.shape, b.shape[1]
    if has_cuda_kernels(xp):
        products_cuda.multiply(a[None], b[None], out[None])
        return
    width = _width(m, k, xp)
    if width == 0 or n < LEAST_WIDTH:
        xp.matmul(a, b, out=out)
        return
    for columns, n_parts in runs_of_parts(n, width):
        parts, results = (stacked(x[:, columns], n_parts) for x in (b, out))
        xp.matmul(a, parts, out=results)


def arranged(a: Array) -> Array:
    """Return a matrix in Fortran order, if products with it are cut; else as it is."""
    wanted = _width(*a.shape, get_array_module(a)) > 0
    is_so = a.strides[0] == a.dtype.itemsize
    return a.T.copy().T if wanted and not is_so else a


def _width(m: int, k: int, xp) -> int:
    """Columns of a part of a product with an ``(m, k)`` matrix; 0 if it is whole."""
    width = MOST_MULTIPLICATIONS // max(1, m * k)
    return min(width, MOST_WIDTH) if width >= LEAST_WIDTH and cuts(xp) else 0


def cuts(xp) -> bool:
    """Whether products of this module are cut."""
    return on_host(xp) and has_small_kernels()


def parts_of(n: int, most: int) -> tuple[int, int]:
    """Length of parts that are as even as can be, and their number without the rest."""
    most = most // UNIT * UNIT
    if n <= most:
        return n, 1
    length = -(-n // -(-n // most))
    length = -(-length // UNIT) * UNIT
    return length, n // length


def runs_of_parts(n: int, most: int) -> list[tuple[slice, int]]:
    """Columns of all parts of one length and their number; the rest is one part."""
    length, n_parts = parts_of(n, most)
    cut = n_parts * length
    runs = [(slice(0, cut), n_parts)]
    return [*runs, (slice(cut, n), 1)] if cut < n else runs


def stacked(matrix: Array, n_parts: int) -> Array:
    """View the columns of a matrix as a stack of matrices with fewer."""
    return matrix.reshape(len(matrix), n_parts, -1).swapaxes(0, 1)
