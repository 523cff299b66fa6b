"""Write a layer of your own, and have it checked.

A layer is six methods, the hooks; everything public is inherited. ``check_layer`` tries
all of it: inverse, log-determinant, gradients and Jacobians of the map and of its
inverse, errors, dtypes. The second layer here has a mistake in one line.
"""

from __future__ import annotations

from invertiblenetworks import Bijection, get_array_module
from invertiblenetworks.init import as_rng, uniform
from invertiblenetworks.kernels.channels import (
    n_pixels,
    on_channels,
    per_sample,
    sum_but_channels,
)
from invertiblenetworks.testing import check_layer


class ChannelScale(Bijection):
    """Scale each channel: ``y = s * x``, log-determinant ``pixels * sum(log|s|)``."""

    def __init__(self, n_channels, *, logdet=False, dtype="float32", rng=None):
        self.logdet = logdet
        self.s = uniform((n_channels,), 0.5, 2.0, dtype, as_rng(rng))

    def _spread(self, x):
        return on_channels(self.s.data, x)

    def _ld(self, x, sign):
        log_s = get_array_module(x).log(abs(self.s.data))
        return per_sample(x, sign * n_pixels(x) * log_s.sum())

    def _dld(self, x, ds, sign):
        return per_sample(x, sign * n_pixels(x) * (ds / self.s.data).sum())

    def _forward(self, x, cond):
        return self._spread(x) * x, self._ld(x, 1)

    def _inverse(self, y, cond):
        return y / self._spread(y), self._ld(y, -1)

    def _backward(self, dy, dld, y, cond, add_grad):
        x = y / self._spread(y)
        from_logdet = dld.sum() * n_pixels(y) / self.s.data
        add_grad(self.s, sum_but_channels(dy * x) + from_logdet)
        return self._spread(dy) * dy, x, None

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        dy = dx / self._spread(dx)
        from_logdet = dld.sum() * n_pixels(x) / self.s.data
        add_grad(self.s, -sum_but_channels(dy * x) - from_logdet)
        return dy, self._spread(x) * x, None

    def _jacobian(self, dx, dcond, tangent, x, cond):
        ds = tangent(self.s)
        dy = self._spread(x) * dx + on_channels(ds, x) * x
        return dy, self._spread(x) * x, self._dld(x, ds, 1), self._ld(x, 1)

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        ds, x = tangent(self.s), y / self._spread(y)
        dx = (dy - on_channels(ds, y) * x) / self._spread(y)
        return dx, x, self._dld(y, ds, -1), self._ld(y, -1)

    def _check_shape(self, shape, cond_shape, inverse):
        (n_channels,) = self.s.shape
        fits = shape[1] == n_channels
        self._expect(fits, f"{n_channels} channels", f"an array of shape {shape}")
        return shape


class WrongChannelScale(ChannelScale):
    """The same, but for the number of pixels in a gradient."""

    def _backward(self, dy, dld, y, cond, add_grad):
        return super()._backward(dy, dld / n_pixels(y), y, cond, add_grad)


def main():
    """Check both layers on a small array of two samples."""
    for kind in (ChannelScale, WrongChannelScale):

        def build(factory, kind=kind):
            return kind(3, dtype=factory.dtype, rng=factory.rng)

        report = check_layer(build, (2, 3, 4, 4))
        print(f"Is {kind.__name__} right? {'yes' if report.ok else 'no'}\n")


if __name__ == "__main__":
    main()
