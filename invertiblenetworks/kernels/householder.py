"""Orthogonal mixing of channels by Householder reflections.

``m`` vectors, the rows of ``v`` of shape (m, k), make the orthogonal matrix

    Q = H_1 H_2 ... H_m,    H_i = I - (2 / n_i) v_i v_i^T,    n_i = v_i^T v_i.

Orientation: with the channels of one pixel as a *row*, the map of the layers is
``y = x Q``; with them as a *column* it is ``y = Q^T x``. `mix_channels` takes the
matrix of the column form. A zero vector has no reflection and gives NaN.

Original: slimgroup/InvertibleNetworks.jl: src/layers/invertible_layer_conv1x1.jl
"""

from __future__ import annotations

from .._types import Array
from ..backend import get_array_module
from .channels import flatten_spatial, n_channels, n_pixels


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
    q, factors = _identity(v), _factors(v)
    for i in range(len(v)):
        q = _reflect_rows(q, v[i], factors[i])
    return q


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
    Cost: O(m k^2), by the product rule and
    ``dH = -(2 / n) (dv v^T + v dv^T - 2 (v^T dv / n) v v^T)``.
    """
    xp = get_array_module(v, dv)
    q, factors = _identity(v), _factors(v)
    dq = xp.zeros_like(q)
    for i in range(len(v)):
        v_i, dv_i, factor = v[i], dv[i], factors[i]
        # Half of the last term of dH goes to each of the others.
        across = dv_i - (factor / 2) * (v_i @ dv_i) * v_i
        q_dh = xp.outer(q @ across, v_i) + xp.outer(q @ v_i, across)
        dq = _reflect_rows(dq, v_i, factor) - factor * q_dh
        q = _reflect_rows(q, v_i, factor)
    return q, dq


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
    Cost: O(m k^2), memory O(k^2 + m k). With ``A_1 = G (H_2 ... H_m)^T`` and
    ``A_{i+1} = H_i A_i H_{i+1}`` the rows are, ``B_i`` being ``A_i + A_i^T``,

        g_i = -(2 / n_i) (B_i v_i - (v_i^T B_i v_i / n_i) v_i).

    The original forms the k x k x k derivatives of the reflections instead.
    """
    factors = _factors(v)
    a = g
    for i in range(len(v) - 1, 0, -1):
        a = _reflect_rows(a, v[i], factors[i])
    gradient = get_array_module(v, g).empty_like(v)
    for i in range(len(v)):
        v_i = v[i]
        if i > 0:
            a = _reflect_rows(a, v_i, factors[i])
        along = a @ v_i + v_i @ a
        inner = (factors[i] / 2) * (v_i @ along)
        gradient[i] = -factors[i] * (along - inner * v_i)
        a = _reflect_columns(a, v_i, factors[i])
    return gradient


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
        return (flatten_spatial(x)[:, :, 0] @ q.T).reshape(x.shape)
    mixed = get_array_module(q, x).matmul(q, flatten_spatial(x))
    return mixed.reshape(x.shape)


def channel_gram(a: Array, b: Array) -> Array:
    """Return the sum of ``a b^T`` over all samples and pixels.

    Parameters
    ----------
    a, b : arrays of shape (N, k, *spatial)

    Returns
    -------
    array of shape (k, k)
        Element (i, j) is the sum of channel i of ``a`` times channel j of ``b``. As
        ``channel_gram(x, dy)`` it is the gradient with respect to ``Q`` of the row
        form ``y = x Q``.
    """
    xp = get_array_module(a, b)
    a_flat, b_flat = flatten_spatial(a), flatten_spatial(b)
    if n_pixels(a) < n_channels(a):
        # Then a product per sample would be larger than the sample itself.
        return xp.tensordot(a_flat, b_flat, axes=((0, 2), (0, 2)))
    return xp.matmul(a_flat, b_flat.swapaxes(1, 2)).sum(axis=0)


def _identity(v: Array) -> Array:
    return get_array_module(v).eye(v.shape[1], dtype=v.dtype)


def _factors(v: Array) -> Array:
    """Return ``2 / n_i`` for all vectors."""
    return 2 / (v * v).sum(axis=1)


def _reflect_rows(a: Array, v: Array, factor: Array) -> Array:
    """Return ``A H``."""
    return a - (factor * (a @ v))[:, None] * v


def _reflect_columns(a: Array, v: Array, factor: Array) -> Array:
    """Return ``H A``."""
    return a - (factor * v)[:, None] * (v @ a)
