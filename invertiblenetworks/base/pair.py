"""``PairMixin``: public methods for bijections that act on two arrays.

Inside, a pair travels as one tuple in place of ``x``; flattening happens only here.
"""

from __future__ import annotations

from .._types import Array


def _flat(results):
    """Spell out the pairs in a tuple of results."""
    out = []
    for result in results:
        out.extend(result if isinstance(result, tuple) else (result,))
    return tuple(out)


def _pair(a: Array | None, b: Array | None):
    return None if a is None and b is None else (a, b)


class PairMixin:
    """Write ``forward(x1, x2)`` in place of ``forward((x1, x2))``, and so on.

    ========================================================  =======================
    method                                                    returns
    ========================================================  =======================
    ``forward(x1, x2, cond)``                                 ``y1, y2 [, logdet]``
    ``inverse(y1, y2, cond)``                                 ``x1, x2``
    ``backward(dy1, dy2, y1, y2, cond)``                      ``dx1, dx2, x1, x2``
    ``backward_inv(dx1, dx2, x1, x2, cond)``                  ``dy1, dy2, y1, y2``
    ``jacobian(dx1, dx2, dtheta, x1, x2, cond, dcond)``       ``dy1, dy2, y1, y2``
    ``adjoint_jacobian(dy1, dy2, y1, y2, cond, dlogdet=0)``   ``dx1, dx2, dtheta,``
                                                              ``x1, x2``
    ========================================================  =======================

    ``backward`` and ``adjoint_jacobian`` append ``dcond`` where there is a condition
    with a gradient, ``jacobian`` appends ``dlogdet, logdet`` with ``logdet=True``. The
    first four take ``memory_limit``, as those of `Bijection`.
    """

    def forward(self, x1, x2, cond=None, *, memory_limit=None):
        results = super().forward((x1, x2), cond, memory_limit=memory_limit)
        return _flat(_as_results(results, self.logdet))

    def inverse(self, y1, y2, cond=None, *, memory_limit=None):
        return super().inverse((y1, y2), cond, memory_limit=memory_limit)

    def backward(self, dy1, dy2, y1, y2, cond=None, *, memory_limit=None):
        dy, y = (dy1, dy2), (y1, y2)
        return _flat(super().backward(dy, y, cond, memory_limit=memory_limit))

    def backward_inv(self, dx1, dx2, x1, x2, cond=None, *, memory_limit=None):
        dx, x = (dx1, dx2), (x1, x2)
        return _flat(super().backward_inv(dx, x, cond, memory_limit=memory_limit))

    def jacobian(self, dx1, dx2, dtheta, x1, x2, cond=None, dcond=None):
        dx = _pair(dx1, dx2)
        return _flat(super().jacobian(dx, dtheta, (x1, x2), cond, dcond))

    def jacobian_inv(self, dy1, dy2, dtheta, y1, y2, cond=None, dcond=None):
        dy = _pair(dy1, dy2)
        return _flat(super().jacobian_inv(dy, dtheta, (y1, y2), cond, dcond))

    def adjoint_jacobian(self, dy1, dy2, y1, y2, cond=None, *, dlogdet=0.0):
        return _flat(
            super().adjoint_jacobian((dy1, dy2), (y1, y2), cond, dlogdet=dlogdet)
        )

    def adjoint_jacobian_inv(self, dx1, dx2, x1, x2, cond=None, *, dlogdet=0.0):
        return _flat(
            super().adjoint_jacobian_inv((dx1, dx2), (x1, x2), cond, dlogdet=dlogdet)
        )

    def log_abs_det(self, x1, x2, cond=None):
        return super().log_abs_det((x1, x2), cond)

    def log_prob(self, x1, x2, cond=None):
        """Log-density of both arrays together, ``log p(x1, x2)``, of each sample."""
        return super().log_prob((x1, x2), cond)

    def initialize(self, x1, x2, cond=None, *, inverse=False):
        return super().initialize((x1, x2), cond, inverse=inverse)


def _as_results(out, logdet: bool):
    """Without a log-determinant ``forward`` returns just the pair."""
    return out if logdet else (out,)
