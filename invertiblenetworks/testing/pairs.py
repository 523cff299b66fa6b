"""Give layers with pair methods the methods of all others, on tuples."""

from __future__ import annotations

from ..base import Bijection, InverseProblemMixin, Net, PairMixin


class PairAsOne:
    """A layer whose methods take ``(x1, x2)`` in place of ``x1, x2``.

    The methods of the pair layer are what is called, so they are what is checked.
    """

    def __init__(self, layer: PairMixin):
        self._layer = layer

    def _condition(self, cond, *dcond):
        """Return the condition as the layer takes it: as one, or data and operator.

        The latter have no derivative.
        """
        if not isinstance(self._layer, InverseProblemMixin):
            return (cond, *dcond)
        return (None, None) if cond is None else cond

    def forward(self, x, cond=None):
        y1, y2, *logdet = self._layer.forward(*x, *self._condition(cond))
        return ((y1, y2), *logdet) if logdet else (y1, y2)

    def inverse(self, y, cond=None):
        return self._layer.inverse(*y, *self._condition(cond))

    def backward(self, dy, y, cond=None):
        return _two_pairs(self._layer.backward(*dy, *y, *self._condition(cond)))

    def backward_inv(self, dx, x, cond=None):
        return _two_pairs(self._layer.backward_inv(*dx, *x, *self._condition(cond)))

    def jacobian(self, dx, dtheta, x, cond=None, dcond=None):
        dx = (None, None) if dx is None else dx
        return _two_pairs(
            self._layer.jacobian(*dx, dtheta, *x, *self._condition(cond, dcond))
        )

    def jacobian_inv(self, dy, dtheta, y, cond=None, dcond=None):
        dy = (None, None) if dy is None else dy
        return _two_pairs(
            self._layer.jacobian_inv(*dy, dtheta, *y, *self._condition(cond, dcond))
        )

    def adjoint_jacobian(self, dy, y, cond=None, *, dlogdet=0.0):
        cond = self._condition(cond)
        out = self._layer.adjoint_jacobian(*dy, *y, *cond, dlogdet=dlogdet)
        return _pair_list_pair(out)

    def adjoint_jacobian_inv(self, dx, x, cond=None, *, dlogdet=0.0):
        cond = self._condition(cond)
        out = self._layer.adjoint_jacobian_inv(*dx, *x, *cond, dlogdet=dlogdet)
        return _pair_list_pair(out)

    def log_abs_det(self, x, cond=None):
        return self._layer.log_abs_det(*x, *self._condition(cond))

    def log_prob(self, x, cond=None):
        return self._layer.log_prob(*x, *self._condition(cond))

    def initialize(self, x, cond=None, *, inverse=False):
        return self._layer.initialize(*x, *self._condition(cond), inverse=inverse)


def _two_pairs(out):
    a1, a2, b1, b2, *rest = out
    return (a1, a2), (b1, b2), *rest


def _pair_list_pair(out):
    a1, a2, dtheta, b1, b2, *rest = out
    return (a1, a2), dtheta, (b1, b2), *rest


def as_one(layer: Bijection | Net) -> Bijection | Net | PairAsOne:
    """Return an object with the methods of ``layer`` in which a pair is one tuple."""
    return PairAsOne(layer) if isinstance(layer, PairMixin) else layer
