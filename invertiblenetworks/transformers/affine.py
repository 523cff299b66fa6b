"""``b2 = s * b + t`` with a positive scale."""

from __future__ import annotations

from ..backend import get_array_module
from ..errors import expect
from ..kernels.activation_layers import Activation, ExpClampLayer, activation_by_name
from ..kernels.channels import join_channels, split_channels, sum_per_sample
from .base import Transformer


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

    so that ``db = s db2``, ``dt = db2``, ``ds = db2 b + dld / s``,
    ``dr = activation'(r) ds``.

    References
    ----------
    Dinh, Sohl-Dickstein and Bengio (2017), Real NVP, section 3.2, arXiv:1605.08803.
    """

    params_per_channel = 2

    def __init__(self, activation: Activation | str | None = None):
        if activation is None:
            activation = ExpClampLayer()
        self.activation = activation_by_name(activation)
        expect(
            self.activation.positive,
            "AffineTransformer",
            "an activation that is positive everywhere, to serve as scale",
            repr(activation),
            "Use SigmoidLayer, ExpClampLayer or SoftplusLayer.",
        )

    def _scale_shift(self, p):
        raw, shift = split_channels(p, p.shape[1] // 2)
        return self.activation.forward(raw), shift

    def forward(self, b, p):
        s, t = self._scale_shift(p)
        return s * b + t, _sum_log(s)

    def inverse(self, b2, p):
        s, t = self._scale_shift(p)
        return (b2 - t) / s, -_sum_log(s)

    def backward(self, db2, dld, b2, p):
        s, t = self._scale_shift(p)
        b = (b2 - t) / s
        ds = db2 * b + _spread(dld, s) / s
        return db2 * s, self._cotangent(ds, db2, s), b

    def backward_inv(self, db, dld, b, p):
        s, t = self._scale_shift(p)
        db2 = db / s
        ds = -db2 * b - _spread(dld, s) / s
        return db2, self._cotangent(ds, -db2, s), s * b + t

    def jacobian(self, db, dp, b, p):
        s, t = self._scale_shift(p)
        ds, dt = self._tangent(dp, s)
        dld = sum_per_sample(ds / s)
        return ds * b + s * db + dt, s * b + t, dld, _sum_log(s)

    def jacobian_inv(self, db2, dp, b2, p):
        s, t = self._scale_shift(p)
        ds, dt = self._tangent(dp, s)
        b = (b2 - t) / s
        dld = -sum_per_sample(ds / s)
        return (db2 - dt - ds * b) / s, b, dld, -_sum_log(s)

    def _cotangent(self, ds, dt, s):
        return join_channels(self.activation.vjp(ds, s), dt)

    def _tangent(self, dp, s):
        draw, dt = split_channels(dp, dp.shape[1] // 2)
        return self.activation.derivative(s) * draw, dt


def _sum_log(s):
    return sum_per_sample(get_array_module(s).log(s))


def _spread(v, x):
    """Reshape (N,) values to broadcast over the samples of ``x``."""
    return v.reshape((-1,) + (1,) * (x.ndim - 1))
