"""Correct layers and nets; each has a broken twin for every fault."""

from __future__ import annotations

import numpy as np

from invertiblenetworks import Bijection, Net, Parameter
from invertiblenetworks.init import as_rng, uniform
from invertiblenetworks.kernels.channels import (
    n_pixels,
    on_channels,
    per_sample,
    sum_but_channels,
)


class ScaleAndShift:
    """Parameters s and b, one number of each per channel."""

    def __init__(self, n_channels, *, dtype="float32", rng=None):
        rng = as_rng(rng)
        self.s = uniform((n_channels,), 0.5, 2.0, dtype, rng)
        self.b = uniform((n_channels,), -1.0, 1.0, dtype, rng)

    def scale(self, x):
        return on_channels(self.s.data, x)

    def shift(self, x):
        return on_channels(self.b.data, x)

    def _check_shape(self, shape, cond_shape, *direction):
        (wanted,) = self.s.shape
        self._expect_array(shape)
        self._expect(shape[1] == wanted, f"{wanted} channels", f"shape {shape}")
        return shape


class Scale(ScaleAndShift, Bijection):
    """``y = s x + b`` per channel."""

    def ld(self, x):
        return per_sample(x, np.log(np.abs(self.s.data)).sum() * n_pixels(x))

    def dld(self, x, ds):
        return per_sample(x, (ds / self.s.data).sum() * n_pixels(x))

    def ds_from_logdet(self, dld, x):
        """Cotangent of s for the cotangent ``dld`` of the log-determinant."""
        return dld.sum() * n_pixels(x) / self.s.data

    def _forward(self, x, cond):
        return self.scale(x) * x + self.shift(x), self.ld(x)

    def _inverse(self, y, cond):
        return (y - self.shift(y)) / self.scale(y), -self.ld(y)

    def _backward(self, dy, dld, y, cond, add_grad):
        x = self._inverse(y, None)[0]
        add_grad(self.s, sum_but_channels(dy * x) + self.ds_from_logdet(dld, x))
        add_grad(self.b, sum_but_channels(dy))
        return self.scale(dy) * dy, x, None

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        dy = dx / self.scale(dx)
        add_grad(self.s, -sum_but_channels(dy * x) - self.ds_from_logdet(dld, x))
        add_grad(self.b, -sum_but_channels(dy))
        return dy, self._forward(x, None)[0], None

    def _jacobian(self, dx, dcond, tangent, x, cond):
        y, ld = self._forward(x, None)
        ds, db = tangent(self.s), tangent(self.b)
        dy = self.scale(x) * dx + on_channels(ds, x) * x + on_channels(db, x)
        return dy, y, self.dld(x, ds), ld

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        x, ld = self._inverse(y, None)
        ds, db = tangent(self.s), tangent(self.b)
        dx = dy - on_channels(ds, x) * x - on_channels(db, x)
        return dx / self.scale(x), x, -self.dld(y, ds), ld


class ScaleFromData(Scale):
    """The same with parameters from the first batch."""

    def __init__(self, n_channels, *, dtype="float32", rng=None):
        self.s = Parameter(shape=(n_channels,), dtype=dtype)
        self.b = Parameter(shape=(n_channels,), dtype=dtype)

    def _initialize(self, x, cond, inverse):
        if not self.initialized:
            self.set_from(x)
        return super()._initialize(x, cond, inverse)

    def set_from(self, x):
        axes = (0, *range(2, x.ndim))
        self.s.data, self.b.data = 1.0 / x.std(axis=axes), x.mean(axis=axes)


class Shift(Bijection):
    """``y = x + s cond``: a layer with a condition."""

    cond_kind = "array"

    def __init__(self, n_channels, *, dtype="float32", rng=None):
        self.s = uniform((n_channels,), 0.5, 2.0, dtype, rng)

    def _check_shape(self, shape, cond_shape, inverse):
        (wanted,) = self.s.shape
        self._expect_array(shape)
        self._expect(shape[1] == wanted, f"{wanted} channels", f"shape {shape}")
        fits = cond_shape == shape
        self._expect(fits, f"a condition of shape {shape}", f"shape {cond_shape}")
        return shape

    def _forward(self, x, cond):
        return x + on_channels(self.s.data, x) * cond, per_sample(x, 0.0)

    def _inverse(self, y, cond):
        return y - on_channels(self.s.data, y) * cond, per_sample(y, 0.0)

    def _backward(self, dy, dld, y, cond, add_grad):
        add_grad(self.s, sum_but_channels(dy * cond))
        dcond = on_channels(self.s.data, dy) * dy
        return dy, self._inverse(y, cond)[0], dcond

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        add_grad(self.s, -sum_but_channels(dx * cond))
        dcond = -on_channels(self.s.data, dx) * dx
        return dx, self._forward(x, cond)[0], dcond

    def _jacobian(self, dx, dcond, tangent, x, cond):
        y, ld = self._forward(x, cond)
        moved = on_channels(tangent(self.s), x) * cond
        dy = dx + moved + on_channels(self.s.data, x) * dcond
        return dy, y, per_sample(x, 0.0), ld

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        x, ld = self._inverse(y, cond)
        moved = on_channels(tangent(self.s), y) * cond
        dx = dy - moved - on_channels(self.s.data, y) * dcond
        return dx, x, per_sample(y, 0.0), ld


class Square(ScaleAndShift, Net):
    """``y = s x^2 + b`` per channel: a net."""

    def _forward(self, x, cond):
        return self.scale(x) * x * x + self.shift(x)

    def _linearize(self, x, cond):
        def pull(dy, add_grad):
            add_grad(self.s, sum_but_channels(dy * x * x))
            add_grad(self.b, sum_but_channels(dy))
            return 2.0 * self.scale(x) * x * dy, None

        return self._forward(x, None), pull

    def _jvp(self, dx, dcond, tangent, x, cond):
        dy = 2.0 * self.scale(x) * x * dx
        dy += on_channels(tangent(self.s), x) * x * x + on_channels(tangent(self.b), x)
        return dy, self._forward(x, None)
