"""The coupling of invertible recurrent inference machines."""

from __future__ import annotations

from .._types import Rng
from ..base import Net
from ..compose import Chain, ChannelSplit, reverse
from ..errors import expect, expect_positive
from ..init import as_rng
from ..kernels.activation_layers import Activation
from ..nets import ResidualBlock
from ..transformers import AdditiveTransformer
from .conv1x1 import Conv1x1
from .coupling import Coupling


class CouplingLayerIRIM(Chain):
    """Additive coupling between a 1x1 convolution and its inverse.

    Map: with ``(x1, x2) = C x``, ``y = C^T (x1, x2 + net(x1))``; log-determinant 0.

    Parameters
    ----------
    n_in : int or Conv1x1
        Number of channels, at least 2; or the 1x1 convolution itself.
    n_hidden : int or Net
        Width of the conditioner; or the conditioner itself.
    k1, k2, p1, p2, s1, s2, ndims
        See ``ResidualBlock``. With the defaults the conditioner works at a quarter of
        the resolution, and spatial sizes must be divisible by 4.
    logdet : bool, default False
        Return the log-determinant, zero, too.
    n_reflections : int, default 3
        See ``Conv1x1``.
    block_activation : Activation or str, default "relu"
        Between the convolutions of the conditioner, which ends in a gate.
    dtype, rng
        As for every layer.

    References
    ----------
    Putzky and Welling (2019), Invert to learn to invert, section 3.1,
    arXiv:1911.10914.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import CouplingLayerIRIM
    >>> y = CouplingLayerIRIM(4, 8).forward(np.ones((2, 4, 8, 8), "float32"))
    """

    def __init__(
        self,
        n_in: int | Conv1x1,
        n_hidden: int | Net,
        *,
        k1: int = 4,
        k2: int = 3,
        p1: int = 0,
        p2: int = 1,
        s1: int = 4,
        s2: int = 1,
        ndims: int = 2,
        logdet: bool = False,
        n_reflections: int = 3,
        block_activation: Activation | str = "relu",
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where, rng = "CouplingLayerIRIM", as_rng(rng)
        conv = n_in
        if not isinstance(conv, Conv1x1):
            expect_positive(where, n_in=n_in)
            conv = Conv1x1(n_in, n_reflections=n_reflections, dtype=dtype, rng=rng)
        (n_in,) = conv.v[0].shape
        expect(n_in >= 2, where, "n_in of at least 2 channels", f"{n_in}")
        n_first = n_in // 2
        net = n_hidden
        if not isinstance(net, Net):
            net = ResidualBlock(
                n_first,
                n_hidden,
                n_out=2 * (n_in - n_first),
                **dict(k1=k1, k2=k2, p1=p1, p2=p2, s1=s1, s2=s2, ndims=ndims),
                activation=block_activation,
                dtype=dtype,
                rng=rng,
            )
        split = ChannelSplit(n_first, first_active=False)
        coupling = Coupling(net, AdditiveTransformer(), split)
        super().__init__(conv, coupling, reverse(conv), logdet=logdet)
