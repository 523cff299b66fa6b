"""``ActNorm`` and ``Conv1x1`` as one affine map of the channels."""

from __future__ import annotations

from ..backend import get_array_module
from ..base import Bijection
from ..kernels.householder import householder_matrix
from ..kernels.mixing import mix, mix_and_correlate
from ..kernels.products import product
from ..kernels.scaled_rotation import (
    forward_map,
    gradients,
    inverse_map,
    inverse_map_and_adjoint,
)


class NormalizedMixing(Bijection):
    """A normalisation and the 1x1 convolution after it: one product for both.

    Not for users: ``Chain`` makes it where the two stand side by side.

    Parameters
    ----------
    norm : ActNorm
    conv : Conv1x1

    Notes
    -----
    ``y = Q^T (s x + b) = m x + Q^T b`` with ``m = Q^T diag(s)``, and back
    ``x = m^-1 y - b / s`` with ``m^-1 = diag(1 / s) Q``. All parameter gradients
    follow from the sums ``G = sum (m^-1 y) dy^T`` and ``d = sum dy`` over pixels: that
    of Q is ``diag(s) G``, of b it is ``Q d``, and of s it is the row sums of ``Q * G``
    less ``(b / s) Q d``.
    """

    def __init__(self, norm: Bijection, conv: Bijection):
        self.norm, self.conv = norm, conv

    def _parts(self):
        """Return (s, b, vectors, Q)."""
        vectors = self.conv._vectors()
        q = householder_matrix(vectors)
        return self.norm.s.data, self.norm.b.data, vectors, q

    def _forward(self, x, cond):
        s, b, _, q = self._parts()
        return mix(*forward_map(s, b, q), x), self.norm._ld(x, 1)

    def _inverse(self, y, cond):
        s, b, _, q = self._parts()
        return mix(*inverse_map(s, b, q), y), self.norm._ld(y, -1)

    def _backward(self, dy, dld, y, cond, add_grad):
        s, b, vectors, q = self._parts()
        back, adjoint = inverse_map_and_adjoint(s, b, q)
        x, dx, gram, total = mix_and_correlate(back, adjoint, y, dy)
        repeats = float(self.norm._repeats(y))
        ds, db, dq = gradients(s, b, q, gram, total, dld, repeats)
        add_grad(self.norm.s, ds)
        add_grad(self.norm.b, db)
        self.conv._add_gradient(vectors, dq, add_grad)
        return dx, x, None

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        s, b, vectors, q = self._parts()
        forth = forward_map(s, b, q)
        # ``gram`` is the sum of (y - Q^T b) dx^T here.
        y, dy, gram, total = mix_and_correlate(forth, q.T / s, x, dx)
        dq = (gram.T + get_array_module(b).outer(total, product(b, q))) / s[:, None]
        along = (q * gram.T).sum(axis=1) / s
        repeats = float(self.norm._repeats(x))
        add_grad(self.norm.s, -(along + dld.sum() * repeats) / s)
        add_grad(self.norm.b, -total / s)
        self.conv._add_gradient(vectors, dq, add_grad)
        return dy, y, None

    def _jacobian(self, dx, dcond, tangent, x, cond):
        du, u, dld, ld = self.norm._jacobian(dx, None, tangent, x, None)
        dy, y, *_ = self.conv._jacobian(du, None, tangent, u, None)
        return dy, y, dld, ld

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        du, u, *_ = self.conv._jacobian_inv(dy, None, tangent, y, None)
        return self.norm._jacobian_inv(du, None, tangent, u, None)
