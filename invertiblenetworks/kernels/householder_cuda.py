"""Steps of `householder` on CuPy, one launch each: matrices are small, launches not."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from .._types import Array
from ..backend import cupy_module, get_array_module

MOST_TOGETHER = 16
"""Vectors that one kernel stacks; each is an argument of it."""

# One thread for each column of each result, which needs no other column.
_SUBSTITUTION = """
    const bool before = i >= K;
    const long long column = before ? i - K : i;
    T *rows = &result[0] + (before ? M * K : 0) + column;
    for (int n = 0; n < M; ++n) {
        const int row = before ? n : M - 1 - n;
        T sum = vectors[row * K + column];
        for (int q = 0; q < n; ++q) {
            const int other = before ? q : M - 1 - q;
            sum -= gram[row * M + other] * rows[other * K];
        }
        rows[row * K] = sum * (2 / gram[row * M + row]);
    }
"""


def stacked(vectors: Sequence[Array]) -> Array:
    """Return vectors of one length as the rows of a matrix."""
    xp = get_array_module(*vectors)
    if len(vectors) > MOST_TOGETHER:
        return xp.stack(vectors)
    result = xp.empty((len(vectors), len(vectors[0])), vectors[0].dtype)
    _stack(len(vectors))(*vectors, *result)
    return result


def rows_behind(v: Array, gram: Array) -> Array:
    """Return W of shape (m, k), from ``V V^T``; see `householder`."""
    return _substituted(v, gram, 1)[0]


def rows_before_and_behind(v: Array, gram: Array) -> tuple[Array, Array]:
    """Return U and W."""
    w, u = _substituted(v, gram, 2)
    return u, w


def identity_minus(a: Array) -> Array:
    """Return ``I - A``."""
    return _identity_minus()(a, len(a))


def mirrored(p: Array) -> Array:
    """Return the symmetric matrix with the same upper triangle."""
    return _mirrored()(p, len(p), size=p.size).reshape(p.shape)


def _substituted(v, gram, n_results) -> Array:
    (m, k), xp = v.shape, get_array_module(v)
    result = xp.empty((n_results, m, k), v.dtype)
    _substitution()(v, gram, k, m, result, size=n_results * k)
    return result


@functools.cache
def _substitution() -> object:
    return cupy_module().ElementwiseKernel(
        "raw T vectors, raw T gram, int64 K, int32 M",
        "raw T result",
        _SUBSTITUTION,
        "householder_rows",
    )


@functools.cache
def _stack(number: int) -> object:
    names = range(number)
    return cupy_module().ElementwiseKernel(
        ", ".join(f"T v{n}" for n in names),
        ", ".join(f"T row{n}" for n in names),
        " ".join(f"row{n} = v{n};" for n in names),
        "householder_stack",
    )


@functools.cache
def _identity_minus() -> object:
    return cupy_module().ElementwiseKernel(
        "T a, int64 k", "T q", "q = T(i % (k + 1) == 0) - a;", "householder_identity"
    )


@functools.cache
def _mirrored() -> object:
    return cupy_module().ElementwiseKernel(
        "raw T p, int64 m",
        "T q",
        "const long long row = i / m, column = i % m;"
        "q = p[row > column ? column * m + row : i];",
        "householder_mirrored",
    )
