"""A residual block that sees data of another shape."""

from __future__ import annotations

import math

from .._types import Rng, Shape
from ..base import Net
from ..errors import expect
from ..init import as_rng
from ..kernels.activation_layers import Activation
from .concat_cond import ConcatCond
from .linear import Dense
from .pointwise import Pointwise
from .reshape import Flatten, Unflatten
from .residual_block import ResidualBlock
from .sequential import Sequential


class ConditionalResidualBlock(Net):
    """Residual block of x and of data d, which a full matrix brings to the shape of x.

    With the activation phi::

        e   = phi(W0 vec(d) + b0), in the shape of x
        h1  = phi(conv([x, e]; W1, k1, s1, p1) + b1)
        h2  = phi(h1 + conv(h1; W2, k2, s2, p2) + b2)
        out = final(conv_transposed(h2; W3, k1, s1, p1))

    Called as ``forward(x, d)``; ``backward`` returns ``(dx, dd)``.

    Parameters
    ----------
    shape_x, shape_d : tuple of int
        Shapes (channels, *spatial) of one sample of x and of d, with any numbers of
        spatial axes. In the words of the original: ``(nx_in, nx1, nx2)`` and
        ``(ny_in, ny1, ny2)``; there is no fixed batch size.
    n_hidden : int
        Channels of the two hidden states.
    n_out : int, optional
        Channels of the output; by default those of x.
    activation : Activation or str, default "relu"
        phi.
    final_activation : Activation or str, default "relu"
        ``final``. As the conditioner of a coupling choose "identity".
    k1, k2, p1, p2, s1, s2, zero, dtype, rng
        See ``ResidualBlock``; ``zero`` is False by default.

    Attributes
    ----------
    encoder : Sequential
        From d to e, with the parameters W0 (size of x, size of d) and b0.
    block : ConcatCond
        A ``ResidualBlock`` with the parameters W1, W2, W3, b1 and b2.

    Notes
    -----
    W0 has size(x) size(d) entries.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import ConditionalResidualBlock
    >>> net = ConditionalResidualBlock((3, 8, 8), (1, 20), 16)
    >>> x, d = np.ones((4, 3, 8, 8), "float32"), np.ones((4, 1, 20), "float32")
    >>> net.forward(x, d).shape
    (4, 3, 8, 8)
    """

    cond_kind = "array"
    _is_per_sample = True

    def __init__(
        self,
        shape_x: Shape,
        shape_d: Shape,
        n_hidden: int,
        *,
        n_out: int | None = None,
        activation: Activation | str = "relu",
        final_activation: Activation | str = "relu",
        k1: int = 3,
        k2: int = 3,
        p1: int = 1,
        p2: int = 1,
        s1: int = 1,
        s2: int = 1,
        zero: bool = False,
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        self.shape_x = _sample_shape("shape_x", shape_x)
        self.shape_d = _sample_shape("shape_d", shape_d)
        drawn, n_channels = {"dtype": dtype, "rng": as_rng(rng)}, self.shape_x[0]
        self.encoder = Sequential(
            Flatten(),
            Dense(math.prod(self.shape_d), math.prod(self.shape_x), **drawn),
            Pointwise(activation),
            Unflatten(self.shape_x),
        )
        block = ResidualBlock(
            2 * n_channels,
            n_hidden,
            n_out=n_channels if n_out is None else n_out,
            activation=activation,
            **dict(k1=k1, k2=k2, p1=p1, p2=p2, s1=s1, s2=s2, zero=zero),
            fan=True,
            final_activation=final_activation,
            ndims=len(self.shape_x) - 1,
            **drawn,
        )
        self.block = ConcatCond(block)

    def _held(self, shape, gradient):
        return self.block._held(shape, gradient)

    def _forward(self, x, cond):
        return self.block._forward(x, self.encoder._forward(cond, None))

    def _linearize(self, x, cond):
        e, pull_encoder = self.encoder._linearize(cond, None)
        y, pull_block = self.block._linearize(x, e)

        def pull(dy, add_grad):
            dx, de = pull_block(dy, add_grad)
            return dx, pull_encoder(de, add_grad)[0]

        return y, pull

    def _jvp(self, dx, dcond, tangent, x, cond):
        de, e = self.encoder._jvp(dcond, None, tangent, cond, None)
        return self.block._jvp(dx, de, tangent, x, e)

    def _check_shape(self, shape, cond_shape):
        for name, wanted, found in (
            ("x", self.shape_x, shape),
            ("the condition", self.shape_d, cond_shape),
        ):
            text = f"{name} of shape (N, {', '.join(map(str, wanted))})"
            self._expect(found[1:] == wanted, text, f"an array of shape {found}")
        return self.block._check_shape(shape, shape)


def _sample_shape(name: str, shape: Shape) -> Shape:
    shape = tuple(shape)
    fits = 1 <= len(shape) <= 4 and min(shape) > 0
    wanted = f"{name} to be (channels, *spatial) with up to 3 spatial axes"
    expect(fits, "ConditionalResidualBlock", wanted, f"{shape}")
    return shape
