"""Orthogonal mixing of channels by Householder reflections.

``m`` vectors, the rows of ``V`` of shape (m, k), make the orthogonal matrix

    Q = H_1 H_2 ... H_m,    H_i = I - (2 / n_i) v_i v_i^T,    n_i = v_i^T v_i.

With the upper triangle ``S`` of ``V V^T``, its diagonal halved, the product is

    Q = I - V^T S^-1 V = I - V^T W = I - U^T V,    W = S^-1 V,    U = S^-T V.

Row i of ``W`` is ``(2 / n_i) v_i^T H_{i+1} ... H_m``: nothing grows, however close the
vectors are to each other. In float32, with 64 random vectors of 64 channels, ``Q`` is
orthogonal to 7e-7 (one reflection after the other: 5e-7); with 64 that nearly agree, to
2e-6 (5e-7).

Orientation: with the channels of one pixel as a *row*, the map of the layers is
``y = x Q``; with them as a *column* it is ``y = Q^T x``. `mix_channels` takes the
matrix of the column form. A zero vector has no reflection and gives NaN.

Original: slimgroup/InvertibleNetworks.jl: src/layers/invertible_layer_conv1x1.jl

References
----------
Joffrain, Low, Quintana-Orti, van de Geijn and Van Zee (2006), Accumulating Householder
transformations, revisited, ACM Transactions on Mathematical Software 32(2), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._types import Array
from ..backend import get_array_module, has_cuda_kernels
from . import householder_cuda, products_cuda
from .channels import as_columns, flatten_spatial, n_channels, n_pixels
from .compiled import householder as compiled_householder
from .products import product


def householder_matrix(v: Array) -> Array:
    """Return ``Q = H_1 ... H_m``, of shape (k, k), for vectors ``v`` of shape (m, k).

    Notes
    -----
    Cost: O(m k^2). The determinant is ``(-1)^m``.

    Examples
    --------
    >>> import numpy as np
    >>> householder_matrix(np.array([[1.0, -1.0]])).round(12) + 0.0
    array([[0., 1.],
           [1., 0.]])
    """
    compiled = compiled_householder.functions_for(v)
    if compiled is not None:
        return compiled_householder.householder_matrix(compiled, v)
    gram = product(v, v.T)
    if has_cuda_kernels(get_array_module(v)):
        w = householder_cuda.rows_behind(v, gram)
        return householder_cuda.identity_minus(product(v.T, w))
    return _identity(v) - v.T @ _rows_behind(v, gram)


def householder_tangent(v: Array, dv: Array) -> tuple[Array, Array]:
    """Return ``Q`` and its derivative along ``dv``.

    Parameters
    ----------
    v, dv : arrays of shape (m, k)
        The vectors and their tangents.

    Returns
    -------
    Q, dQ : arrays of shape (k, k)

    Notes
    -----
    Cost: O(m k^2), ``dQ = -dV^T W - U^T dV + U^T dS W``.
    """
    xp, gram = get_array_module(v, dv), product(v, v.T)
    u, w = _rows_before_and_behind(v, gram)
    half_diagonal = xp.tri(len(v), dtype=v.dtype).T - 0.5 * xp.eye(
        len(v), dtype=v.dtype
    )
    ds = half_diagonal * (product(dv, v.T) + product(v, dv.T))
    tangent = product(u.T, product(ds, w) - dv) - product(dv.T, w)
    return _identity(v) - product(v.T, w), tangent


def householder_adjoint(v: Array, g: Array) -> Array:
    """Return the gradient of ``sum(G * Q)`` with respect to the vectors.

    Parameters
    ----------
    v : array of shape (m, k)
    g : array of shape (k, k)
        Gradient with respect to ``Q``, oriented like ``Q`` itself.

    Returns
    -------
    array of shape (m, k)
        Row i is orthogonal to ``v_i``, since ``Q`` does not see its length.

    Notes
    -----
    Cost: O(m k^2), memory O(k^2 + m k). It is ``P V - W G^T - U G``, with the
    symmetric matrix ``P`` whose upper triangle is that of ``U G W^T``.

    The original forms the k x k x k derivatives of the reflections instead.
    """
    compiled = compiled_householder.functions_for(v, g)
    if compiled is not None:
        return compiled_householder.householder_adjoint(compiled, v, g)
    xp, gram = get_array_module(v, g), product(v, v.T)
    u, w = _rows_before_and_behind(v, gram)
    ug = product(u, g)
    p = product(ug, w.T)
    if has_cuda_kernels(xp):
        p = householder_cuda.mirrored(p)
        return product(p, v) - product(w, g.T) - ug
    p = xp.where(xp.tri(len(v), dtype=bool), p.T, p)
    return p @ v - w @ g.T - ug


def mix_channels(q: Array, x: Array) -> Array:
    """Multiply the channel vector of every pixel by a matrix: ``y = q x``.

    Parameters
    ----------
    q : array of shape (k, k)
        Applied to channels as a column; for the row form ``x Q`` pass ``Q.T``.
    x : array of shape (N, k, *spatial)

    Returns
    -------
    array of shape (N, k, *spatial)
    """
    if n_pixels(x) == 1:
        # One product for all samples, where matmul would make one per sample.
        return product(q, as_columns(x)).T.reshape(x.shape)
    xp = get_array_module(q, x)
    if has_cuda_kernels(xp):
        mixed = xp.empty(x.shape, x.dtype)
        products_cuda.multiply(q[None], flatten_spatial(x), flatten_spatial(mixed))
        return mixed
    return xp.matmul(q, flatten_spatial(x)).reshape(x.shape)


def channel_gram(a: Array, b: Array) -> Array:
    """Return the sum of ``a b^T`` over all samples and pixels.

    Parameters
    ----------
    a, b : arrays of shape (N, j, *spatial) and (N, k, *spatial)

    Returns
    -------
    array of shape (j, k)
        Element (i, j) is the sum of channel i of ``a`` times channel j of ``b``. As
        ``channel_gram(x, dy)`` it is the gradient with respect to ``Q`` of the row
        form ``y = x Q``.
    """
    xp = get_array_module(a, b)
    if has_cuda_kernels(xp):
        vectors = n_pixels(a) == 1
        flat = [as_columns(x)[None] if vectors else flatten_spatial(x) for x in (a, b)]
        return products_cuda.correlate(*flat)[0]
    if n_pixels(a) == 1:
        return as_columns(a) @ as_columns(b).T
    a_flat, b_flat = flatten_spatial(a), flatten_spatial(b)
    if n_pixels(a) < n_channels(a):
        # Then a product per sample would be larger than the sample itself.
        return xp.tensordot(a_flat, b_flat, axes=((0, 2), (0, 2)))
    return xp.matmul(a_flat, b_flat.swapaxes(1, 2)).sum(axis=0)


def _identity(v: Array) -> Array:
    return get_array_module(v).eye(v.shape[1], dtype=v.dtype)


def stacked(vectors: Sequence[Array]) -> Array:
    """Return vectors of one length as the rows of a matrix."""
    xp = get_array_module(*vectors)
    if has_cuda_kernels(xp):
        return householder_cuda.stacked(vectors)
    # Sooner than ``stack``, which begins with a view of each.
    return xp.concatenate(vectors).reshape(len(vectors), -1)


def _rows_before_and_behind(v: Array, gram: Array) -> tuple[Array, Array]:
    """Return U and W, from ``V V^T``."""
    if has_cuda_kernels(get_array_module(v)):
        return householder_cuda.rows_before_and_behind(v, gram)
    return _rows_before(v, gram), _rows_behind(v, gram)


def _rows_behind(v: Array, gram: Array) -> Array:
    """Return W, from ``V V^T``."""
    w = get_array_module(v).empty_like(v)
    for i in reversed(range(len(v))):
        w[i] = (v[i] - gram[i, i + 1 :] @ w[i + 1 :]) * (2 / gram[i, i])
    return w


def _rows_before(v: Array, gram: Array) -> Array:
    """Return U, from ``V V^T``."""
    u = get_array_module(v).empty_like(v)
    for i in range(len(v)):
        u[i] = (v[i] - gram[i, :i] @ u[:i]) * (2 / gram[i, i])
    return u
