"""The convolutional conditioner of the couplings."""

from __future__ import annotations

import math

from .._types import Rng
from ..backend import get_array_module, on_host
from ..base import Net
from ..base.whole_batch import forward_in_pieces, linearize_in_pieces
from ..errors import expect, expect_positive
from ..init import as_rng, constant, float_type, glorot_uniform
from ..kernels.activation_layers import (
    Activation,
    GaLUlayer,
    IdentityLayer,
    elementwise_activation,
)
from ..kernels.biased_activation import activate, pull_back
from ..kernels.channels import on_channels, sum_but_channels
from ..kernels.compiled.block import CompiledBlock
from ..kernels.conv import conv, conv_adjoint_w, conv_adjoint_x, conv_shape
from ..kernels.parts import by_samples
from ..kernels.streamed import streamed_block
from ..kernels.workspace import empty_result
from .window import expect_window_fits


class ResidualBlock(Net):
    """Three convolutions with a skip connection around the second.

    With the activation phi::

        h1  = phi(conv(x; W1, k1, s1, p1) + b1)
        h2  = phi(h1 + conv(h1; W2, k2, s2, p2) + b2)
        out = final(conv_transposed(h2; W3, k1, s1, p1))

    Parameters
    ----------
    n_in, n_hidden : int
        Channels of the input, and of the two hidden states.
    n_out : int, default ``2 n_in``
        Channels after the third convolution.
    activation : Activation or str, default "relu"
        phi.
    k1, k2, p1, p2, s1, s2 : int
        Kernel size, padding and stride of the first and third (1), and of the second
        convolution (2), which must keep the spatial size.
    fan : bool, default False
        True: ``final`` is linear, or as ``final_activation`` says, and the result has
        ``n_out`` channels. False: ``final`` is a gated linear unit, which halves them.
    final_activation : Activation or str, default "identity"
        See ``fan``. Differs from the original, which ends in phi; give "relu" for
        that.
    zero : bool, default ``fan``
        Start with W3 = 0, so that a coupling starts as the identity. Differs from
        the original.
    ndims : {0, 1, 2, 3}, default 2
        Number of spatial axes; 0 for vectors (N, C), where every kernel is one number
        per pair of channels.
    dtype : {"float32", "float64"}, default "float32"
        Type of the parameters.
    rng : numpy.random.Generator, optional
        Source of the initial weights.

    Attributes
    ----------
    W1 : Parameter, shape (n_hidden, n_in, *k1)
    W2 : Parameter, shape (n_hidden, n_hidden, *k2)
    W3 : Parameter, shape (n_hidden, n_out, *k1)
        Weight of a convolution from the output to the hidden state; its transpose is
        applied.
    b1, b2 : Parameter, shape (n_hidden,)

    Notes
    -----
    Kernels are correlated with the image, not flipped as in the original. ReLU has
    derivative 0 at 0 here. A gradient holds two hidden states if ``k2`` is 1 and the
    first convolution keeps the size, or else four.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import ResidualBlock
    >>> ResidualBlock(3, 16, n_out=4, fan=True).forward(
    ...     np.zeros((2, 3, 8, 8), "float32")
    ... ).shape
    (2, 4, 8, 8)
    """

    _is_per_sample = True
    _has_new_gradients = True
    _ready = None  # the kernel, in a prepared twin only

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        *,
        n_out: int | None = None,
        activation: Activation | str = "relu",
        k1: int = 3,
        k2: int = 3,
        p1: int = 1,
        p2: int = 1,
        s1: int = 1,
        s2: int = 1,
        fan: bool = False,
        final_activation: Activation | str = "identity",
        zero: bool | None = None,
        ndims: int = 2,
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where = "ResidualBlock"
        n_out = 2 * n_in if n_out is None else n_out
        expect_positive(where, n_in=n_in, n_hidden=n_hidden, n_out=n_out)
        expect_positive(where, k1=k1, k2=k2, s1=s1)
        expect(ndims in (0, 1, 2, 3), where, "ndims to be 0, 1, 2 or 3", repr(ndims))
        pads_fit = all(isinstance(pad, int) and pad >= 0 for pad in (p1, p2))
        expect(pads_fit, where, "paddings of at least 0", f"p1={p1}, p2={p2}")
        keeps_size = ndims == 0 or (k2 == 2 * p2 + 1 and s2 == 1)
        wanted = "a second convolution that keeps the size: k2 = 2 p2 + 1, s2 = 1"
        expect(keeps_size, where, wanted, f"k2={k2}, p2={p2}, s2={s2}")
        expect(fan or n_out % 2 == 0, where, "an even n_out to gate", f"{n_out}")
        dtype, rng = float_type(dtype, where), as_rng(rng)
        kernel1, kernel2 = (k1,) * ndims, (k2,) * ndims
        self.W1 = _weight(n_hidden, n_in, kernel1, dtype, rng)
        self.W2 = _weight(n_hidden, n_hidden, kernel2, dtype, rng)
        if fan if zero is None else zero:
            self.W3 = constant((n_hidden, n_out, *kernel1), 0.0, dtype)
        else:
            self.W3 = _weight(n_hidden, n_out, kernel1, dtype, rng)
        self.b1 = constant((n_hidden,), 0.0, dtype)
        self.b2 = constant((n_hidden,), 0.0, dtype)
        self.activation = elementwise_activation(activation, where)
        self.final = (
            elementwise_activation(final_activation, where) if fan else GaLUlayer()
        )
        self.ndims = ndims
        self.keeps_size = ndims == 0 or (s1 == 1 and k1 == 2 * p1 + 1)
        self._outer = {"stride": s1, "pad": p1} if ndims else {}
        self._inner = {"stride": s2, "pad": p2} if ndims else {}

    def _hidden(self, x):
        a1 = conv(x, self.W1.data, **self._outer)
        h1 = activate(self.activation, a1, self.b1.data)
        a2 = conv(h1, self.W2.data, **self._inner)
        return h1, activate(self.activation, a2, self.b2.data, h1)

    def _last(self, h2, x):
        return conv_adjoint_x(h2, self.W3.data, x.shape[2:], **self._outer)

    def _finished(self, a3):
        """Apply the last activation; on the CPU in place, where it can."""
        if isinstance(self.final, IdentityLayer):
            return a3
        if self.final.halves_channels:
            half = (len(a3), a3.shape[1] // 2, *a3.shape[2:])
            return self.final.forward(a3, self._room(half, a3))
        if not (self.splits_batch and on_host(get_array_module(a3))):
            return self.final.forward(a3)
        by_samples(self.final.forward_in_place, a3)
        return a3

    def _unfinished(self, dy, kept):
        """Pull a cotangent back through the last activation."""
        if self.final.halves_channels:
            return self.final.vjp(dy, kept, self._room(kept.shape, kept))
        return self.final.vjp(dy, kept)

    def _room(self, shape, like):
        """Memory for what a gate returns, if there is any that is used again."""
        return empty_result(shape, like) if self.ndims else None

    @property
    def gives_result_away(self) -> bool:
        """True unless the derivative of the last activation needs its output."""
        keeps_none = self.final.halves_channels or isinstance(self.final, IdentityLayer)
        return self.splits_batch and keeps_none

    def _prepared(self, x):
        streamed = self._streamed(x)
        if streamed is None:
            return self
        # As copy.copy, which takes as long as the arithmetic of a tiny net.
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__, _ready=streamed)
        return twin

    def _streamed(self, x):
        """The kernel for arrays like x, or None if there is none."""
        # A subclass may have changed a part of what the kernel does in one.
        if self._ready is not None or not self.splits_batch:
            return self._ready
        parameters = [p.data for p in (self.W1, self.b1, self.W2, self.b2, self.W3)]
        return streamed_block(x, parameters, self.activation, **self._outer)

    def _forward(self, x, cond):
        if self._ready is not None:  # a piece already
            return self._forward_piece(x)
        return forward_in_pieces(self, x, lambda net, x: net._forward_piece(x))

    def _forward_piece(self, x):
        streamed = self._streamed(x)
        if streamed is not None:
            return self._finished(streamed.forward(x))
        return self._finished(self._last(self._hidden(x)[1], x))

    def _linearize(self, x, cond):
        if self._ready is not None:
            return self._linearize_piece(x)
        return linearize_in_pieces(self, x, lambda net, x: net._linearize_piece(x))

    def _linearize_piece(self, x):
        streamed = self._streamed(x)
        if streamed is None:
            return self._linearize_plain(x)
        a3, pull_a3 = streamed.linearize(x)
        y = self._finished(a3)
        kept = self._needed_for_vjp(a3, y)

        def pull(dy, add_grad):
            dx, gradients = pull_a3(self._unfinished(dy, kept))
            for name, gradient in gradients._asdict().items():
                add_grad(getattr(self, name), gradient)
            return dx, None

        return y, pull

    def _linearize_plain(self, x):
        h1, h2 = self._hidden(x)
        a3 = self._last(h2, x)
        y = self._finished(a3)
        kept = self._needed_for_vjp(a3, y)

        def pull(dy, add_grad):
            da3 = self._unfinished(dy, kept)
            return self._pull(da3, x, h1, h2, add_grad), None

        return y, pull

    def _needed_for_vjp(self, a3, y):
        """What the derivative of the last activation is a function of."""
        if isinstance(self.final, IdentityLayer):
            return None
        return a3 if self.final.halves_channels else y

    def _pull(self, da3, x, h1, h2, add_grad):
        phi, (w1, w2, w3) = self.activation, (self.W1, self.W2, self.W3)
        # Forwards the third convolution is an adjoint, so here it is applied plainly.
        add_grad(w3, conv_adjoint_w(h2, da3, w3.shape[2:], **self._outer))
        da2 = pull_back(phi, conv(da3, w3.data, **self._outer), h2)
        add_grad(w2, conv_adjoint_w(da2, h1, w2.shape[2:], **self._inner))
        add_grad(self.b2, sum_but_channels(da2))
        dh1 = conv_adjoint_x(da2, w2.data, h1.shape[2:], **self._inner)
        da1 = pull_back(phi, dh1, h1, da2)
        add_grad(w1, conv_adjoint_w(da1, x, w1.shape[2:], **self._outer))
        add_grad(self.b1, sum_but_channels(da1))
        return conv_adjoint_x(da1, w1.data, x.shape[2:], **self._outer)

    def _n_weights(self):
        return self.W1.size + self.W2.size + self.W3.size

    def _held(self, shape, gradient):
        spatial, kernel = shape[2:], self.W1.shape[2:]
        if self.ndims:
            spatial = conv_shape(spatial, kernel, **self._outer)
        hidden = math.prod(spatial) * len(self.b1.data)
        if self.keeps_size and self.W2.data[0, 0].size == 1:
            return 2 * hidden if gradient else 0
        return 4 * hidden if gradient else 2 * hidden

    def _shares_work(self, x):
        return isinstance(self._streamed(x), CompiledBlock)

    def _reach(self):
        if self.ndims == 0 or not self.keeps_size:
            return None
        return 2 * (self.W1.shape[2] // 2) + self.W2.shape[2] // 2

    def _jvp(self, dx, dcond, tangent, x, cond):
        phi = self.activation
        h1, h2 = self._hidden(x)
        a3 = self._last(h2, x)
        da1 = conv(dx, self.W1.data, **self._outer)
        da1 += conv(x, tangent(self.W1), **self._outer)
        da1 += on_channels(tangent(self.b1), da1)
        dh1 = phi.derivative(h1) * da1
        da2 = conv(dh1, self.W2.data, **self._inner)
        da2 += conv(h1, tangent(self.W2), **self._inner)
        da2 += dh1
        da2 += on_channels(tangent(self.b2), da2)
        dh2 = phi.derivative(h2) * da2
        da3 = self._last(dh2, x)
        da3 += conv_adjoint_x(h2, tangent(self.W3), x.shape[2:], **self._outer)
        if self.final.halves_channels:
            return self.final.jvp(da3, a3), self.final.forward(a3)
        y = self.final.forward(a3)
        return self.final.derivative(y) * da3, y

    def _check_shape(self, shape, cond_shape):
        n_in = self.W1.shape[1]
        if len(shape) != self.ndims + 2:
            hint = f"Build it with ndims={len(shape) - 2} for such arrays."
            found = f"an array of shape {shape}"
            self._refuse(f"{self.ndims} spatial axes", found, hint)
        self._expect_channels(n_in, shape)
        if self.ndims:
            expect_window_fits(self, shape[2:], self.W1.shape[2:], **self._outer)
        n_out = self.W3.shape[1] // (2 if self.final.halves_channels else 1)
        return (shape[0], n_out, *shape[2:])


def _weight(n_out, n_in, kernel, dtype, rng):
    taps = math.prod(kernel)
    return glorot_uniform((n_out, n_in, *kernel), taps * n_in, taps * n_out, dtype, rng)
