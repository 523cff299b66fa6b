"""``LinearIsometry``: linear maps whose inverse is their adjoint."""

from __future__ import annotations

from ..kernels.channels import per_sample
from .bijection import Bijection


class LinearIsometry(Bijection):
    """A linear bijection that keeps norms and has no parameters.

    Everything follows from two methods of the subclass: ``_apply`` and its adjoint
    ``_undo``, which is its inverse. The log-determinant is zero. Squeezes, wavelet
    transforms and rearrangements of channels are of this kind.
    """

    def _apply(self, x):
        raise NotImplementedError

    def _undo(self, y):
        raise NotImplementedError

    def _forward(self, x, cond):
        return self._apply(x), per_sample(x, 0.0)

    def _inverse(self, y, cond):
        return self._undo(y), per_sample(y, 0.0)

    def _backward(self, dy, dld, y, cond, add_grad):
        return self._undo(dy), self._undo(y), None

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        return self._apply(dx), self._apply(x), None

    def _jacobian(self, dx, dcond, tangent, x, cond):
        return self._apply(dx), self._apply(x), per_sample(x, 0.0), per_sample(x, 0.0)

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        return self._undo(dy), self._undo(y), per_sample(y, 0.0), per_sample(y, 0.0)
