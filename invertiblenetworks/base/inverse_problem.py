"""``InverseProblemMixin``: pair layers whose condition is data and an operator."""

from __future__ import annotations

from typing import Any

from .._types import Array
from .pair import PairMixin


def _context(d: Array | None, A: Any):
    return None if d is None and A is None else (d, A)


class InverseProblemMixin(PairMixin):
    """Write ``forward(x1, x2, d, A)`` in place of ``forward(x1, x2, (d, A))``.

    For layers with a context condition ``(d, A)`` of data and a linear operator; it has
    no gradient, so results are those of ``PairMixin`` without ``dcond``.

    ==========================================================  ======================
    method                                                      returns
    ==========================================================  ======================
    ``forward(x1, x2, d, A)``                                   ``y1, y2 [, logdet]``
    ``inverse(y1, y2, d, A)``                                   ``x1, x2``
    ``backward(dy1, dy2, y1, y2, d, A)``                        ``dx1, dx2, x1, x2``
    ``backward_inv(dx1, dx2, x1, x2, d, A)``                    ``dy1, dy2, y1, y2``
    ``jacobian(dx1, dx2, dtheta, x1, x2, d, A)``                ``dy1, dy2, y1, y2``
    ``adjoint_jacobian(dy1, dy2, y1, y2, d, A, *, dlogdet=0)``  ``dx1, dx2, dtheta,``
                                                                ``x1, x2``
    ==========================================================  ======================

    Compositions of such a layer with others take the condition as one, ``(d, A)``.
    """

    def forward(self, x1, x2, d=None, A=None):
        return super().forward(x1, x2, _context(d, A))

    def inverse(self, y1, y2, d=None, A=None):
        return super().inverse(y1, y2, _context(d, A))

    def backward(self, dy1, dy2, y1, y2, d=None, A=None):
        return super().backward(dy1, dy2, y1, y2, _context(d, A))

    def backward_inv(self, dx1, dx2, x1, x2, d=None, A=None):
        return super().backward_inv(dx1, dx2, x1, x2, _context(d, A))

    def jacobian(self, dx1, dx2, dtheta, x1, x2, d=None, A=None):
        return super().jacobian(dx1, dx2, dtheta, x1, x2, _context(d, A))

    def jacobian_inv(self, dy1, dy2, dtheta, y1, y2, d=None, A=None):
        return super().jacobian_inv(dy1, dy2, dtheta, y1, y2, _context(d, A))

    def adjoint_jacobian(self, dy1, dy2, y1, y2, d=None, A=None, *, dlogdet=0.0):
        cond = _context(d, A)
        return super().adjoint_jacobian(dy1, dy2, y1, y2, cond, dlogdet=dlogdet)

    def adjoint_jacobian_inv(self, dx1, dx2, x1, x2, d=None, A=None, *, dlogdet=0.0):
        cond = _context(d, A)
        return super().adjoint_jacobian_inv(dx1, dx2, x1, x2, cond, dlogdet=dlogdet)

    def log_abs_det(self, x1, x2, d=None, A=None):
        return super().log_abs_det(x1, x2, _context(d, A))

    def log_prob(self, x1, x2, d=None, A=None):
        return super().log_prob(x1, x2, _context(d, A))

    def initialize(self, x1, x2, d=None, A=None, *, inverse=False):
        return super().initialize(x1, x2, _context(d, A), inverse=inverse)
