"""Glow step with a condition."""

from __future__ import annotations

from .._types import Rng
from ..base import Net
from ..compose import Chain, ChannelSplit
from ..errors import expect_positive
from ..init import as_rng
from ..kernels.activation_layers import Activation
from ..nets import ConcatCond, ResidualBlock
from .conv1x1 import Conv1x1
from .coupling import Coupling
from .named_couplings import make_transformer, mixing_convolution


class ConditionalLayerGlow(Chain):
    """1x1 convolution, then an affine coupling that also sees a condition.

    The first half of the channels (rounded to even) is transformed given the second
    half and the condition, which has the spatial size of the state.

    Parameters
    ----------
    n_in : int or Conv1x1
        Number of channels, at least 2; or the 1x1 convolution itself.
    n_cond : int
        Channels of the condition.
    n_hidden : int or Net
        Width of the conditioner; or the conditioner itself, a net with an array as
        condition.
    freeze_conv, k1, k2, p1, p2, s1, s2, ndims, logdet, activation, coupling, \
n_reflections, final_activation, dtype, rng
        See ``CouplingLayerGlow``.
    rb_activation : Activation or str, default "relu"
        Between the convolutions of the conditioner.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import ConditionalLayerGlow
    >>> layer = ConditionalLayerGlow(4, 3, 16, logdet=True)
    >>> x, cond = np.ones((2, 4, 8, 8), "float32"), np.ones((2, 3, 8, 8), "float32")
    >>> y, logdet = layer.forward(x, cond)
    >>> dx, x, dcond = layer.backward(y, y, cond)
    """

    def __init__(
        self,
        n_in: int | Conv1x1,
        n_cond: int,
        n_hidden: int | Net,
        *,
        freeze_conv: bool = False,
        k1: int = 3,
        k2: int = 1,
        p1: int = 1,
        p2: int = 0,
        s1: int = 1,
        s2: int = 1,
        ndims: int = 2,
        logdet: bool = False,
        activation: Activation | str | None = None,
        rb_activation: Activation | str = "relu",
        coupling: str = "affine",
        n_reflections: int = 3,
        final_activation: Activation | str = "identity",
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where, rng = "ConditionalLayerGlow", as_rng(rng)
        expect_positive(where, n_cond=n_cond)
        conv, n_in, n_active = mixing_convolution(
            n_in, where, n_reflections, freeze_conv, dtype, rng
        )
        transformer = make_transformer(coupling, activation, where)
        net = n_hidden
        if not isinstance(net, Net):
            expect_positive(where, n_hidden=n_hidden)
            block = ResidualBlock(
                n_in - n_active + n_cond,
                n_hidden,
                n_out=transformer.params_per_channel * n_active,
                **dict(k1=k1, k2=k2, p1=p1, p2=p2, s1=s1, s2=s2, ndims=ndims),
                activation=rb_activation,
                final_activation=final_activation,
                fan=True,
                dtype=dtype,
                rng=rng,
            )
            net = ConcatCond(block)
        coupled = Coupling(net, transformer, ChannelSplit(n_active))
        super().__init__(conv, coupled, logdet=logdet)
