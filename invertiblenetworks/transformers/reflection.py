"""``b2 = p - b``."""

from __future__ import annotations

from ..kernels.channels import per_sample
from .base import Transformer


class ReflectionTransformer(Transformer):
    """Subtract from the conditioner's output; its own inverse, log-determinant zero.

    With a conditioner ``2 x - ...`` this is the leapfrog step of hyperbolic networks.
    """

    params_per_channel = 1

    def forward(self, b, p):
        return p - b, per_sample(b, 0.0)

    def inverse(self, b2, p):
        return self.forward(b2, p)

    def backward(self, db2, dld, b2, p):
        return -db2, db2, p - b2

    def backward_inv(self, db, dld, b, p):
        return self.backward(db, dld, b, p)

    def jacobian(self, db, dp, b, p):
        return dp - db, p - b, per_sample(b, 0.0), per_sample(b, 0.0)

    def jacobian_inv(self, db2, dp, b2, p):
        return self.jacobian(db2, dp, b2, p)
