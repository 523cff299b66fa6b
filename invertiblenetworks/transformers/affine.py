"""``b2 = s * b + t`` with a positive scale."""

from __future__ import annotations

from ..errors import expect
from ..kernels import affine_formulas
from ..kernels.activation_layers import Activation, ExpClampLayer, activation_by_name
from ..kernels.channels import sum_per_sample
from .base import Transformer, given_or_new


class AffineTransformer(Transformer):
    """Scale and shift by the conditioner's output.

    Parameters
    ----------
    activation : Activation or str, default ``ExpClampLayer()``
        Makes the scale from the raw output; must be positive. The default starts at
        scale 1 for a conditioner that starts at zero, and stays within
        ``(exp(-2), exp(2))``, so that the inverse is as exact as rounding allows.

    Raises
    ------
    ValueError
        If the activation can be zero or negative.

    Notes
    -----
    With ``(r, t)`` the two halves of ``p`` and ``s = activation(r)``::

        b2 = s b + t,  ld = sum log s

    so that ``db = s db2``, ``dt = db2`` and ``dr = (log s)' (db b + dld)``.

    References
    ----------
    Dinh, Sohl-Dickstein and Bengio (2017), Real NVP, section 3.2, arXiv:1605.08803.
    """

    params_per_channel = 2

    def __init__(self, activation: Activation | str | None = None):
        if activation is None:
            activation = ExpClampLayer()
        self.activation = activation_by_name(activation, "AffineTransformer")
        expect(
            self.activation.positive,
            "AffineTransformer",
            "an activation that is positive everywhere, to serve as scale",
            repr(activation),
            "Use SigmoidLayer, ExpClampLayer or SoftplusLayer. Activations of hidden "
            "channels are chosen by block_activation, or in the net.",
        )

    def forward(self, b, p, out=None):
        b2 = given_or_new(out, b)
        return b2, affine_formulas.affine_forward(self.activation, b, p, b2)

    def inverse(self, b2, p, out=None):
        b = given_or_new(out, b2)
        return b, affine_formulas.affine_inverse(self.activation, b2, p, b)

    def backward(self, db2, dld, b2, p, out=None):
        db, dp, b = _places(out, db2, p, b2)
        affine_formulas.affine_backward(self.activation, db2, dld, b2, p, db, dp, b)
        return db, dp, b

    def backward_inv(self, db, dld, b, p, out=None):
        db2, dp, b2 = _places(out, db, p, b)
        affine_formulas.affine_backward_inv(self.activation, db, dld, b, p, db2, dp, b2)
        return db2, dp, b2

    def jacobian(self, db, dp, b, p):
        s, t, log_s, dlog_s, dt = self._tangents(dp, p)
        db2 = s * (db + dlog_s * b) + dt
        return db2, s * b + t, sum_per_sample(dlog_s), sum_per_sample(log_s)

    def jacobian_inv(self, db2, dp, b2, p):
        s, t, log_s, dlog_s, dt = self._tangents(dp, p)
        b = (b2 - t) / s
        db = (db2 - dt) / s - dlog_s * b
        return db, b, -sum_per_sample(dlog_s), -sum_per_sample(log_s)

    def _tangents(self, dp, p):
        """Return s, t, log s and the tangents of log s and t."""
        (raw, t), (draw, dt) = affine_formulas.halves(p), affine_formulas.halves(dp)
        s, log_s = self.activation.scale(raw)
        return s, t, log_s, self.activation.log_derivative(raw, s) * draw, dt


def _places(out, dy, p, y):
    """Where to write the gradient of ``dy``'s kind, that of ``p`` and the array."""
    if out is None:
        return given_or_new(None, dy), given_or_new(None, p), given_or_new(None, y)
    dx, x = out
    return dx, p, x
