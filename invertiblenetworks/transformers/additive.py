"""``b2 = b + t``."""

from __future__ import annotations

from ..kernels import shift_formulas
from ..kernels.channels import per_sample
from .base import Transformer, given_or_new


class AdditiveTransformer(Transformer):
    """Shift by the conditioner's output; the log-determinant is zero.

    References
    ----------
    Dinh, Krueger and Bengio (2015), NICE, section 3.2, arXiv:1410.8516.
    """

    params_per_channel = 1

    def forward(self, b, p, out=None):
        b2 = given_or_new(out, b)
        shift_formulas.additive_forward(b, p, b2)
        return b2, per_sample(b, 0.0)

    def inverse(self, b2, p, out=None):
        b = given_or_new(out, b2)
        shift_formulas.additive_inverse(b2, p, b)
        return b, per_sample(b2, 0.0)

    def backward(self, db2, dld, b2, p, out=None):
        if out is None:
            return db2, db2, b2 - p
        db, b = out
        shift_formulas.additive_backward(db2, b2, p, db, p, b)
        return db, p, b

    def backward_inv(self, db, dld, b, p, out=None):
        if out is None:
            return db, -db, b + p
        db2, b2 = out
        shift_formulas.additive_backward_inv(db, b, p, db2, p, b2)
        return db2, p, b2

    def jacobian(self, db, dp, b, p):
        return db + dp, b + p, per_sample(b, 0.0), per_sample(b, 0.0)

    def jacobian_inv(self, db2, dp, b2, p):
        return db2 - dp, b2 - p, per_sample(b2, 0.0), per_sample(b2, 0.0)
