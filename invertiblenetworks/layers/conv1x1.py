"""Orthogonal 1x1 convolution, a product of Householder reflections."""

from __future__ import annotations

from .._types import Array, Rng
from ..backend import get_array_module, is_array
from ..base import Bijection
from ..errors import describe, expect, expect_positive, message
from ..init import as_rng, float_type, glorot_uniform
from ..kernels.channels import per_sample
from ..kernels.householder import (
    channel_gram,
    householder_adjoint,
    householder_matrix,
    householder_tangent,
    mix_channels,
    stacked,
)
from ..parameter import Parameter


class Conv1x1(Bijection):
    """Mix the channels of each pixel by a trained orthogonal matrix.

    Map: ``y = Q^T x`` on the channels of each pixel, ``Q = H_1 H_2 ... H_m`` with the
    reflections ``H_i = I - 2 v_i v_i^T / (v_i^T v_i)``; log-determinant 0.

    Parameters
    ----------
    k : int
        Number of channels. Or give the vectors themselves:
        ``Conv1x1(v1, v2, v3)`` with arrays of shape (k,).
    n_reflections : int, default 3
        Number m of reflections. ``m = k`` reaches every orthogonal matrix of
        determinant ``(-1)^k``; the three of the original are a small subset of them
        when k is large.
    freeze : bool, default False
        Keep the matrix as drawn.
    logdet : bool, default False
        Return the log-determinant, zero, too.
    dtype : {"float32", "float64"}, default "float32"
        Type of the parameters; given vectors keep theirs.
    rng : numpy.random.Generator, optional
        Source of the initial vectors.

    Attributes
    ----------
    v : list of Parameter, each of shape (k,)
        The vectors; only their directions matter, and no vector may be zero.

    Notes
    -----
    Cost: one product with a k x k matrix; gradients of the vectors in closed form
    from the k x k matrix ``sum_pixels x dy^T``, in O(m k^2) time and O(k^2) memory.

    References
    ----------
    Kingma and Dhariwal (2018), Glow, section 3.2, arXiv:1807.03039. Tomczak and
    Welling (2016), Householder flow, section 3, arXiv:1611.09630.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import Conv1x1
    >>> layer = Conv1x1(np.array([1.0, 0]), np.array([0, 1.0]), np.array([1.0, 1.0]))
    >>> layer.forward(np.array([[[1.0], [2.0]]])).ravel().round(12)
    array([2., 1.])
    """

    def __init__(
        self,
        k: int | Array,
        *vectors: Array,
        n_reflections: int = 3,
        freeze: bool = False,
        logdet: bool = False,
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        if is_array(k):
            self.v = [Parameter(v) for v in _checked(k, *vectors)]
        else:
            got = f"{k!r} and {len(vectors)} vectors"
            expect(not vectors, "Conv1x1", "a number of channels, or vectors", got)
            expect_positive("Conv1x1", k=k, n_reflections=n_reflections)
            dtype, rng = float_type(dtype, "Conv1x1"), as_rng(rng)
            self.v = [
                glorot_uniform((k,), k, 1, dtype, rng) for _ in range(n_reflections)
            ]
        self.logdet = logdet
        for v in self.v:
            v.trainable = not freeze

    def _vectors(self):
        return stacked([v.data for v in self.v])

    def _matrix(self):
        return householder_matrix(self._vectors())

    def _forward(self, x, cond):
        return mix_channels(self._matrix().T, x), per_sample(x, 0.0)

    def _inverse(self, y, cond):
        return mix_channels(self._matrix(), y), per_sample(y, 0.0)

    def _backward(self, dy, dld, y, cond, add_grad):
        vectors = self._vectors()
        q = householder_matrix(vectors)
        x = mix_channels(q, y)
        self._add_gradient(vectors, channel_gram(x, dy), add_grad)
        return mix_channels(q, dy), x, None

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        vectors = self._vectors()
        q = householder_matrix(vectors)
        y = mix_channels(q.T, x)
        self._add_gradient(vectors, channel_gram(dx, y), add_grad)
        return mix_channels(q.T, dx), y, None

    def _add_gradient(self, vectors, dq, add_grad):
        gradients = householder_adjoint(vectors, dq)
        for i, v in enumerate(self.v):
            add_grad(v, gradients[i])

    def _matrix_tangent(self, tangent):
        vectors = self._vectors()
        directions = get_array_module(vectors).stack([tangent(v) for v in self.v])
        return householder_tangent(vectors, directions)

    def _jacobian(self, dx, dcond, tangent, x, cond):
        q, dq = self._matrix_tangent(tangent)
        dy = mix_channels(q.T, dx) + mix_channels(dq.T, x)
        zero = per_sample(x, 0.0)
        return dy, mix_channels(q.T, x), zero, zero

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        q, dq = self._matrix_tangent(tangent)
        dx = mix_channels(q, dy) + mix_channels(dq, y)
        zero = per_sample(y, 0.0)
        return dx, mix_channels(q, y), zero, zero

    def _check_shape(self, shape, cond_shape, inverse):
        (k,) = self.v[0].shape
        own_hint = f"Build the layer with Conv1x1({shape[1]})."
        self._expect_channels(k, shape, own_hint)
        return shape


def _checked(*vectors):
    for v in vectors:
        if not is_array(v):
            raise TypeError(message("Conv1x1", "vectors as arrays", describe(v)))
        float_type(v.dtype, "Conv1x1")
        first = vectors[0]
        same = v.ndim == 1 and v.size > 0 and v.shape == first.shape
        expect(same, "Conv1x1", "vectors of one length", v)
        if v.dtype != first.dtype:
            wanted = f"vectors of one dtype, {first.dtype}"
            raise TypeError(message("Conv1x1", wanted, describe(v)))
        expect(bool((v != 0).any()), "Conv1x1", "vectors other than zero", v)
    return [v.copy() for v in vectors]
