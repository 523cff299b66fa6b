"""The map of a normalisation and an orthogonal mixing after it, and its gradients.

With the scale ``s``, the shift ``b`` and the orthogonal matrix ``Q``::

    y = Q^T (s x + b) = m x + Q^T b,    x = m^-1 y - b / s,    m = Q^T diag(s)

On CuPy both maps together are one launch, and the gradients another one: the matrices
are small, so launches are what counts.
"""

from __future__ import annotations

import functools

from .._types import Array
from ..backend import cupy_module, get_array_module, has_cuda_kernels
from .compiled import householder as compiled_householder
from .compiled.library import functions_of
from .products import product

Affine = tuple[Array, Array]
"""Matrix of shape (k, k) and offset of shape (k,)."""

_MAPS = """
    const long long row = i / K, column = i % K;
    forth[i] = q[column * K + row] * s[column];
    back[i] = q[i] / s[row];
    if (column == 0) {
        T sum = 0;
        for (long long n = 0; n < K; ++n) sum += b[n] * q[n * K + row];
        forth[K * K + row] = sum;
        back[K * K + row] = -b[row] / s[row];
    }
"""

_GRADIENTS = """
    T along = 0, shift = 0;
    for (long long n = i * K; n < (i + 1) * K; ++n) {
        along += q[n] * gram[n];
        shift += q[n] * total[n - i * K];
        dq[n] = s[i] * gram[n];
    }
    db[i] = shift;
    ds[i] = along - shift * b[i] / s[i] + dld[0] * repeats / s[i];
"""


def forward_map(s: Array, b: Array, q: Array) -> Affine:
    """Return ``m`` and ``Q^T b``."""
    if has_cuda_kernels(get_array_module(q)):
        return _both(s, b, q)[0]
    return q.T * s, product(b, q)


def inverse_map(s: Array, b: Array, q: Array) -> Affine:
    """Return ``m^-1`` and ``-b / s``."""
    if has_cuda_kernels(get_array_module(q)):
        return _both(s, b, q)[1]
    return q / s[:, None], -b / s


def inverse_map_and_adjoint(s: Array, b: Array, q: Array) -> tuple[Affine, Array]:
    """Return the inverse map, and ``m^T``."""
    if has_cuda_kernels(get_array_module(q)):
        (matrix, _), back = _both(s, b, q)
        return back, matrix.T
    return inverse_map(s, b, q), q * s[:, None]


def gradients(
    s: Array, b: Array, q: Array, gram: Array, total: Array, dld: Array, repeats: float
) -> tuple[Array, Array, Array]:
    """Return the gradients of ``s``, ``b`` and ``Q``.

    Parameters
    ----------
    s, b, q : arrays
        The parameters.
    gram : array, shape (k, k)
        Sum over samples and pixels of ``(m^-1 y) dy^T``.
    total : array, shape (k,)
        Sum of ``dy``.
    dld : array, shape (N,)
        Cotangent of the log-determinants.
    repeats : float
        How often each ``log |s|`` is in a log-determinant.
    """
    xp = get_array_module(q)
    if has_cuda_kernels(xp):
        ds, db, dq = xp.empty_like(s), xp.empty_like(b), xp.empty(q.shape, q.dtype)
        read = (s, b, q, gram, total, dld.sum(), repeats, len(q))
        _gradients_kernel()(*read, ds, db, dq, size=len(q))
        return ds, db, dq
    compiled = functions_of(s, b, q, gram, total)
    if compiled is not None:
        of_ld = dld.sum() * repeats
        read = (s, b, q, gram, total, of_ld)
        return compiled_householder.rotation_gradients(compiled, *read)
    db = product(q, total)
    ds = (q * gram).sum(axis=1) - db * b / s
    return ds + dld.sum() * repeats / s, db, s[:, None] * gram


def _both(s, b, q) -> tuple[Affine, Affine]:
    """The map and its inverse; each is one array, the matrix before the offset."""
    xp, k = get_array_module(q), len(q)
    forth, back = xp.empty((2, k * k + k), q.dtype)
    _maps_kernel()(s, b, q, k, forth, back, size=k * k)
    return tuple((a[: k * k].reshape(k, k), a[k * k :]) for a in (forth, back))


@functools.cache
def _maps_kernel() -> object:
    return cupy_module().ElementwiseKernel(
        "raw T s, raw T b, raw T q, int64 K",
        "raw T forth, raw T back",
        _MAPS,
        "scaled_rotation_maps",
    )


@functools.cache
def _gradients_kernel() -> object:
    return cupy_module().ElementwiseKernel(
        "raw T s, raw T b, raw T q, raw T gram, raw T total, raw T dld, T repeats, "
        "int64 K",
        "raw T ds, raw T db, raw T dq",
        _GRADIENTS,
        "scaled_rotation_gradients",
    )
