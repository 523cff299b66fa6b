"""``y = s * x + b`` with trained scale and shift, for ActNorm and AffineLayer."""

from __future__ import annotations

from ..backend import get_array_module
from ..base import Bijection
from ..kernels.channels import per_sample


class ScaleShift(Bijection):
    """Elementwise affine map with parameters ``s`` and ``b``.

    Subclasses say how a parameter is spread over the state (``_spread``), the adjoint
    of that (``_collect``), and how often each entry is repeated within one sample
    (``_repeats``).

    Notes
    -----
    With R repeats: ``ld = R sum log|s|``; ``dx = s dy``; ``ds = collect(dy x) +
    sum(dld) R / s``; ``db = collect(dy)``.
    """

    def _spread(self, v, x):
        raise NotImplementedError

    def _collect(self, x):
        raise NotImplementedError

    def _repeats(self, x) -> int:
        raise NotImplementedError

    def _ld(self, x, sign):
        s = self.s.data
        total = get_array_module(s).log(abs(s)).sum()
        return per_sample(x, total * float(sign * self._repeats(x)))

    def _affine(self, x):
        return self._spread(self.s.data, x) * x + self._spread(self.b.data, x)

    def _solve(self, y):
        return (y - self._spread(self.b.data, y)) / self._spread(self.s.data, y)

    def _forward(self, x, cond):
        return self._affine(x), self._ld(x, 1)

    def _inverse(self, y, cond):
        return self._solve(y), self._ld(y, -1)

    def _backward(self, dy, dld, y, cond, add_grad):
        s, x = self.s.data, self._solve(y)
        from_logdet = dld.sum() * float(self._repeats(y)) / s
        add_grad(self.s, self._collect(dy * x) + from_logdet)
        add_grad(self.b, self._collect(dy))
        return dy * self._spread(s, dy), x, None

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        s = self.s.data
        dy = dx / self._spread(s, dx)
        from_logdet = dld.sum() * float(self._repeats(x)) / s
        add_grad(self.s, -self._collect(dy * x) - from_logdet)
        add_grad(self.b, -self._collect(dy))
        return dy, self._affine(x), None

    def _jacobian(self, dx, dcond, tangent, x, cond):
        ds, db = tangent(self.s), tangent(self.b)
        dy = dx * self._spread(self.s.data, x) + x * self._spread(ds, x)
        dy += self._spread(db, x)
        return dy, self._affine(x), self._dld(x, ds, 1), self._ld(x, 1)

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        ds, db, x = tangent(self.s), tangent(self.b), self._solve(y)
        dx = dy - x * self._spread(ds, y) - self._spread(db, y)
        dx /= self._spread(self.s.data, y)
        return dx, x, self._dld(y, ds, -1), self._ld(y, -1)

    def _dld(self, x, ds, sign):
        total = (ds / self.s.data).sum()
        return per_sample(x, total * float(sign * self._repeats(x)))
