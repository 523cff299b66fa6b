"""The conditioner of hyperbolic layers."""

from __future__ import annotations

from .._types import Rng
from ..base import Net
from ..errors import expect, expect_positive
from ..init import as_rng, constant, float_type, glorot_uniform
from ..kernels.activation_layers import Activation, activation_by_name
from ..kernels.biased_activation import activate, pull_back
from ..kernels.channels import on_channels, sum_but_channels
from ..kernels.conv import conv, conv_adjoint_w, conv_adjoint_x
from .window import expect_window_fits


class LeapfrogNet(Net):
    """``2 x - alpha K^T phi(K x + b)`` with a convolution K.

    Parameters
    ----------
    n_in, n_hidden : int
        Channels of x, and of K x.
    kernel, stride, pad : int
        Of the convolution; it must fit, so that K^T returns to the size of x.
    alpha : float, default 1
        Step length.
    activation : Activation or str, default "relu"
        phi.
    ndims, dtype, rng
        As for every net.

    Attributes
    ----------
    W : Parameter, shape (n_hidden, n_in, *kernel)
    b : Parameter, shape (n_hidden,)
    """

    _is_per_sample = True

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        kernel: int,
        stride: int,
        pad: int,
        *,
        alpha: float = 1.0,
        activation: Activation | str = "relu",
        ndims: int = 2,
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where = "LeapfrogNet"
        expect_positive(where, n_in=n_in, n_hidden=n_hidden, kernel=kernel)
        expect_positive(where, stride=stride)
        expect(ndims in (1, 2, 3), where, "ndims to be 1, 2 or 3", repr(ndims))
        dtype, rng = float_type(dtype, where), as_rng(rng)
        shape, taps = (n_hidden, n_in, *(kernel,) * ndims), kernel**ndims
        self.W = glorot_uniform(shape, taps * n_in, taps * n_hidden, dtype, rng)
        self.b = constant((n_hidden,), 0.0, dtype)
        self.alpha = float(alpha)
        self.activation = activation_by_name(activation, where)
        self._window = {"stride": stride, "pad": pad}

    def _hidden(self, x):
        a = conv(x, self.W.data, **self._window)
        return activate(self.activation, a, self.b.data)

    def _spread(self, h, w, x):
        """Return ``-alpha K^T h`` at the size of x."""
        return conv_adjoint_x(h, w, x.shape[2:], **self._window) * -self.alpha

    def _forward(self, x, cond):
        y = self._spread(self._hidden(x), self.W.data, x)
        y += 2.0 * x
        return y

    def _linearize(self, x, cond):
        h = self._hidden(x)
        y = self._spread(h, self.W.data, x)
        y += 2.0 * x

        def pull(dy, add_grad):
            return self._pull(dy, x, h, add_grad), None

        return y, pull

    def _pull(self, dy, x, h, add_grad):
        w, window = self.W.data, self._window
        du = dy * -self.alpha
        da = pull_back(self.activation, conv(du, w, **window), h)
        dw = conv_adjoint_w(h, du, w.shape[2:], **window)
        dw += conv_adjoint_w(da, x, w.shape[2:], **window)
        add_grad(self.W, dw)
        add_grad(self.b, sum_but_channels(da))
        dx = conv_adjoint_x(da, w, x.shape[2:], **window)
        dx += 2.0 * dy
        return dx

    def _jvp(self, dx, dcond, tangent, x, cond):
        w, dw, window = self.W.data, tangent(self.W), self._window
        h = self._hidden(x)
        da = conv(dx, w, **window)
        da += conv(x, dw, **window)
        da += on_channels(tangent(self.b), da)
        dh = self.activation.derivative(h) * da
        dy = self._spread(dh, w, x)
        dy += self._spread(h, dw, x)
        dy += 2.0 * dx
        y = self._spread(h, w, x)
        y += 2.0 * x
        return dy, y

    def _check_shape(self, shape, cond_shape):
        n_in, kernel = self.W.shape[1], self.W.shape[2:]
        found = f"an array of shape {shape}"
        self._expect(
            len(shape) == len(kernel) + 2, f"{len(kernel)} spatial axes", found
        )
        self._expect_channels(n_in, shape)
        expect_window_fits(self, shape[2:], kernel, **self._window)
        return shape
