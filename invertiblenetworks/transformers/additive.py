"""``b2 = b + t``."""

from __future__ import annotations

from ..kernels.channels import per_sample
from .base import Transformer


class AdditiveTransformer(Transformer):
    """Shift by the conditioner's output; the log-determinant is zero.

    References
    ----------
    Dinh, Krueger and Bengio (2015), NICE, section 3.2, arXiv:1410.8516.
    """

    params_per_channel = 1

    def forward(self, b, p):
        return b + p, per_sample(b, 0.0)

    def inverse(self, b2, p):
        return b2 - p, per_sample(b2, 0.0)

    def backward(self, db2, dld, b2, p):
        return db2, db2, b2 - p

    def backward_inv(self, db, dld, b, p):
        return db, -db, b + p

    def jacobian(self, db, dp, b, p):
        return db + dp, b + p, per_sample(b, 0.0), per_sample(b, 0.0)

    def jacobian_inv(self, db2, dp, b2, p):
        return db2 - dp, b2 - p, per_sample(b2, 0.0), per_sample(b2, 0.0)
