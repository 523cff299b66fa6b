"""The recursive coupling of HINT."""

from __future__ import annotations

from .._types import Rng
from ..base import Bijection
from ..compose import Chain, ChannelSplit, OnPart, reverse
from ..errors import expect, expect_in, expect_positive
from ..init import as_rng
from ..kernels.activation_layers import Activation
from ..nets import ResidualBlock
from .conv1x1 import Conv1x1
from .coupling import Coupling
from .named_couplings import make_transformer

SMALLEST = 4
"""Parts of at most this many channels are coupled once and not cut further."""


class CouplingLayerHINT(Chain):
    """Recursive affine coupling: every part of the channels sees all parts before it.

    One level cuts the channels into ``(a, b)`` and maps::

        u  = h(b),    b' = s(a) * u + t(a),    a' = h(a)

    where ``h`` is the next level, on half of the channels.

    Parameters
    ----------
    n_in : int
        Number of channels, at least 2; odd counts are cut unevenly.
    n_hidden : int
        Width of the conditioners.
    logdet : bool, default False
        As for every layer.
    permute : {"none", "full", "both", "lower"}, default "none"
        1x1 convolution before the coupling on all channels ("full"), the same undone
        after it ("both"), or on the second half only ("lower").
    k1, k2, p1, p2, s1, s2, ndims
        See ``ResidualBlock``.
    activation : Activation or str, default ``ExpClampLayer()``
        Makes the scale positive.
    shared : bool, default True
        Use the same sub-couplings on both halves, where they have equal numbers of
        channels, as the original does; or separate ones.
    coupling, n_reflections, block_activation, final_activation
        See ``CouplingLayerGlow``.
    dtype, rng
        As for every layer.

    Notes
    -----
    The Jacobian is triangular, and its lower triangle is dense but for the parts of
    one or two channels that are not cut further. With shared sub-couplings
    the gradients of both halves add up; the original keeps those of one half only.

    References
    ----------
    Kruse, Detommaso, Scheichl and Koethe (2021), HINT, section 3, arXiv:1905.10687.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import CouplingLayerHINT
    >>> layer = CouplingLayerHINT(7, 8, permute="full", logdet=True)
    >>> y, logdet = layer.forward(np.ones((2, 7, 4, 4), "float32"))
    """

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        *,
        logdet: bool = False,
        permute: str = "none",
        k1: int = 3,
        k2: int = 3,
        p1: int = 1,
        p2: int = 1,
        s1: int = 1,
        s2: int = 1,
        ndims: int = 2,
        activation: Activation | str | None = None,
        shared: bool = True,
        coupling: str = "affine",
        n_reflections: int = 3,
        block_activation: Activation | str = "relu",
        final_activation: Activation | str = "identity",
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where, rng = "CouplingLayerHINT", as_rng(rng)
        expect_positive(where, n_in=n_in, n_hidden=n_hidden)
        expect(n_in >= 2, where, "n_in of at least 2 channels", f"{n_in}")
        expect_in(where, ("none", "full", "both", "lower"), permute=permute)
        transformer = make_transformer(coupling, activation, where)
        options = dict(
            **dict(k1=k1, k2=k2, p1=p1, p2=p2, s1=s1, s2=s2, ndims=ndims),
            activation=block_activation,
            final_activation=final_activation,
            fan=True,
            dtype=dtype,
            rng=rng,
        )

        def couple(n_first: int, n_second: int) -> Coupling:
            n_out = transformer.params_per_channel * n_second
            net = ResidualBlock(n_first, n_hidden, n_out=n_out, **options)
            return Coupling(net, transformer, ChannelSplit(n_first, first_active=False))

        layers = _recursion(n_in, couple, shared)
        n_first = n_in // 2
        mixing = dict(n_reflections=n_reflections, dtype=dtype, rng=rng)
        if permute in ("full", "both"):
            conv = Conv1x1(n_in, **mixing)
            layers = [conv, *layers] + ([reverse(conv)] if permute == "both" else [])
        elif permute == "lower":
            conv = Conv1x1(n_in - n_first, **mixing)
            layers = [OnPart(conv, n_first, first=False), *layers]
        super().__init__(*layers, logdet=logdet)


def _recursion(n_channels: int, couple, shared: bool) -> list[Bijection]:
    """One level and those below it, in the order of application."""
    n_first = n_channels // 2
    n_second = n_channels - n_first
    here = couple(n_first, n_second)
    if n_channels <= SMALLEST:
        return [here]
    second = Chain(*_recursion(n_second, couple, shared))
    same = shared and n_first == n_second
    first = second if same else Chain(*_recursion(n_first, couple, shared))
    return [OnPart(second, n_first, first=False), here, OnPart(first, n_first)]
