"""``b2 = p - b``."""

from __future__ import annotations

from ..kernels import shift_formulas
from ..kernels.channels import per_sample
from .base import Transformer, given_or_new


class ReflectionTransformer(Transformer):
    """Subtract from the conditioner's output; its own inverse, log-determinant zero.

    With a conditioner ``2 x - ...`` this is the leapfrog step of hyperbolic networks.
    """

    params_per_channel = 1

    def forward(self, b, p, out=None):
        b2 = given_or_new(out, b)
        shift_formulas.reflection(b, p, b2)
        return b2, per_sample(b, 0.0)

    def inverse(self, b2, p, out=None):
        return self.forward(b2, p, out)

    def backward(self, db2, dld, b2, p, out=None):
        if out is None:
            return -db2, db2, p - b2
        db, b = out
        shift_formulas.reflection_backward(db2, b2, p, db, p, b)
        return db, p, b

    def backward_inv(self, db, dld, b, p, out=None):
        return self.backward(db, dld, b, p, out)

    def jacobian(self, db, dp, b, p):
        return dp - db, p - b, per_sample(b, 0.0), per_sample(b, 0.0)

    def jacobian_inv(self, db2, dp, b2, p):
        return self.jacobian(db2, dp, b2, p)
