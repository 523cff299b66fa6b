"""The couplings of the papers: ``Coupling`` with particular arguments."""

from __future__ import annotations

from .._types import Rng
from ..base import Net, PairMixin
from ..compose import Chain, ChannelSplit, PairSplit
from ..errors import expect, expect_positive
from ..init import as_rng
from ..kernels.activation_layers import Activation
from ..kernels.channels import half_channels
from ..nets import DenseBlock, ResidualBlock
from ..transformers import AdditiveTransformer, AffineTransformer, Transformer
from .conv1x1 import Conv1x1
from .coupling import Coupling


def make_transformer(
    coupling: str, activation: Activation | str | None, where: str
) -> Transformer:
    """Return the transformer called "affine" or "additive"."""
    known = ("affine", "additive")
    expect(coupling in known, where, f"coupling to be one of {known}", repr(coupling))
    if coupling == "additive":
        wanted = "no activation for an additive coupling, which has no scale"
        expect(activation is None, where, wanted, repr(activation))
        return AdditiveTransformer()
    return AffineTransformer(activation)


def mixing_convolution(
    n_in: int | Conv1x1,
    where: str,
    n_reflections: int,
    freeze: bool,
    dtype: object,
    rng: Rng,
) -> tuple[Conv1x1, int, int]:
    """Return the 1x1 convolution of a Glow step, its channels, and those coupled."""
    conv = n_in
    if not isinstance(conv, Conv1x1):
        expect_positive(where, n_in=n_in)
        conv = Conv1x1(n_in, n_reflections=n_reflections, dtype=dtype, rng=rng)
    if freeze:
        conv.freeze()
    (n_in,) = conv.v[0].shape
    n_active = half_channels(n_in)
    expect(0 < n_active < n_in, where, "n_in of at least 2 channels", f"{n_in}")
    return conv, n_in, n_active


class CouplingLayerBasic(PairMixin, Coupling):
    """Coupling of two arrays: ``y1 = x1``, ``y2 = s(x1) * x2 + t(x1)``.

    Parameters
    ----------
    n_in : int or Net
        Channels of each of the two arrays; or the conditioner itself, which must
        return twice as many channels as it takes (as many, if additive).
    n_hidden : int
        Width of the conditioner.
    k1, k2, p1, p2, s1, s2, ndims
        See ``ResidualBlock``.
    logdet : bool, default False
        As for every layer.
    activation : Activation or str, default ``ExpClampLayer()``
        Makes the scale positive.
    coupling : {"affine", "additive"}, default "affine"
        Additive drops the scale.
    block_activation, final_activation : Activation or str
        Between and after the convolutions of the conditioner.
    dtype, rng
        As for every layer.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import CouplingLayerBasic
    >>> layer = CouplingLayerBasic(2, 8, logdet=True)
    >>> x1, x2 = np.ones((2, 3, 2, 4, 4), "float32")[:2]
    >>> y1, y2, logdet = layer.forward(x1, x2)
    >>> x1, x2 = layer.inverse(y1, y2)
    """

    def __init__(
        self,
        n_in: int | Net,
        n_hidden: int | None = None,
        *,
        k1: int = 3,
        k2: int = 3,
        p1: int = 1,
        p2: int = 1,
        s1: int = 1,
        s2: int = 1,
        logdet: bool = False,
        activation: Activation | str | None = None,
        ndims: int = 2,
        coupling: str = "affine",
        block_activation: Activation | str = "relu",
        final_activation: Activation | str = "identity",
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where = "CouplingLayerBasic"
        transformer = make_transformer(coupling, activation, where)
        net = n_in
        if not isinstance(n_in, Net):
            expect_positive(where, n_in=n_in, n_hidden=n_hidden)
            net = ResidualBlock(
                n_in,
                n_hidden,
                n_out=transformer.params_per_channel * n_in,
                **dict(k1=k1, k2=k2, p1=p1, p2=p2, s1=s1, s2=s2, ndims=ndims),
                activation=block_activation,
                final_activation=final_activation,
                fan=True,
                dtype=dtype,
                rng=rng,
            )
        super().__init__(net, transformer, PairSplit(), logdet=logdet)


class CouplingLayerGlow(Chain):
    """Glow step without normalisation: 1x1 convolution, then an affine coupling.

    The first half of the channels (rounded to even) is transformed given the second.

    Parameters
    ----------
    n_in : int or Conv1x1
        Number of channels, at least 2; or the 1x1 convolution itself.
    n_hidden : int or Net
        Width of the conditioner; or the conditioner itself, from the second part of
        the channels to the parameters of the first.
    nx : int, optional
        Length of the data, for ``dense``.
    dense : bool, default False
        Fully connected conditioner for 1-D data (N, n_in, nx), of width
        ``n_in n_hidden``.
    freeze_conv : bool, default False
        Keep the 1x1 convolution as drawn.
    k1, k2, p1, p2, s1, s2, ndims
        See ``ResidualBlock``.
    logdet : bool, default False
        As for every layer.
    activation : Activation or str, default ``ExpClampLayer()``
        Makes the scale positive.
    coupling : {"affine", "additive"}, default "affine"
        Additive drops the scale.
    n_reflections : int, default 3
        See ``Conv1x1``.
    block_activation, final_activation : Activation or str
        Between and after the convolutions of the conditioner. Differs from the
        original, which ends in a ReLU ("relu").
    dtype, rng
        As for every layer.

    References
    ----------
    Kingma and Dhariwal (2018), Glow, section 3, arXiv:1807.03039.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import CouplingLayerGlow
    >>> layer = CouplingLayerGlow(4, 16, logdet=True)
    >>> y, logdet = layer.forward(np.ones((2, 4, 8, 8), "float32"))
    """

    def __init__(
        self,
        n_in: int | Conv1x1,
        n_hidden: int | Net,
        *,
        nx: int | None = None,
        dense: bool = False,
        freeze_conv: bool = False,
        k1: int = 3,
        k2: int = 1,
        p1: int = 1,
        p2: int = 0,
        s1: int = 1,
        s2: int = 1,
        logdet: bool = False,
        activation: Activation | str | None = None,
        ndims: int = 2,
        coupling: str = "affine",
        n_reflections: int = 3,
        block_activation: Activation | str = "relu",
        final_activation: Activation | str = "identity",
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where, rng = "CouplingLayerGlow", as_rng(rng)
        conv, n_in, n_active = mixing_convolution(
            n_in, where, n_reflections, freeze_conv, dtype, rng
        )
        transformer = make_transformer(coupling, activation, where)
        n_passive, n_out = n_in - n_active, transformer.params_per_channel * n_active
        common = dict(
            activation=block_activation,
            final_activation=final_activation,
            dtype=dtype,
            rng=rng,
        )
        if isinstance(n_hidden, Net):
            net = n_hidden
        elif dense:
            expect_positive(where, nx=nx, n_hidden=n_hidden)
            shapes = (n_passive, nx), (n_out, nx)
            net = DenseBlock(*shapes, n_in * n_hidden, **common)
        else:
            net = ResidualBlock(
                n_passive,
                n_hidden,
                n_out=n_out,
                **dict(k1=k1, k2=k2, p1=p1, p2=p2, s1=s1, s2=s2, ndims=ndims),
                fan=True,
                **common,
            )
        split = ChannelSplit(n_active)
        super().__init__(conv, Coupling(net, transformer, split), logdet=logdet)
