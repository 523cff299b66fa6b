"""HINT coupling of two lanes, the first conditioned on the second."""

from __future__ import annotations

from collections.abc import Callable

from .._types import Rng
from ..base import Net
from ..compose import Chain, LaneYMixin, OnLane, PairChain, PairSplit
from ..errors import expect_positive
from ..init import as_rng
from ..kernels.activation_layers import Activation
from ..nets import ResidualBlock, Sequential
from .conv1x1 import Conv1x1
from .coupling import Coupling
from .hint import CouplingLayerHINT
from .named_couplings import make_transformer


class ConditionalLayerHINT(LaneYMixin, PairChain):
    """Two HINT couplings side by side, and one from lane Y to lane X.

    With 1x1 convolutions C and HINT couplings H::

        y' = C_y y,            z_y = H_y(y')
        x' = H_x(C_x x),       z_x = s(y') * x' + t(y')

    Parameters
    ----------
    n_in : int
        Channels of lane X. A lane of one channel has no HINT coupling.
    n_hidden : int
        Width of the conditioners.
    n_y : int, optional
        Channels of lane Y; by default those of lane X.
    bridge : Net, or callable, optional
        Brings lane Y to the spatial size of lane X, for the coupling of the lanes;
        needed where the sizes differ (``AveragePool``, ``Upsample``). It keeps the
        channels. Networks use one net in all their layers; a function, called with
        the number of channels of lane Y, makes a new one for each.
    k1, k2, p1, p2, s1, s2, ndims
        See ``ResidualBlock``.
    logdet : bool, default True
        As for every layer.
    permute : bool, default True
        Start each lane with a 1x1 convolution.
    activation, shared, coupling, n_reflections, block_activation, final_activation
        See ``CouplingLayerHINT``.
    dtype, rng
        As for every layer.

    Attributes
    ----------
    lane_y : Chain
        What happens to lane Y, by itself.

    References
    ----------
    Kruse, Detommaso, Scheichl and Koethe (2021), HINT, section 3.2, arXiv:1905.10687.
    Siahkoohi, Rizzuti, Louboutin, Witte and Herrmann (2021), Preconditioned training
    of normalizing flows, arXiv:2101.03709.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import ConditionalLayerHINT
    >>> layer = ConditionalLayerHINT(4, 8, n_y=2)
    >>> x, y = np.ones((3, 4, 4, 4), "float32"), np.ones((3, 2, 4, 4), "float32")
    >>> zx, zy, logdet = layer.forward(x, y)
    >>> bool((layer.forward_y(y) == zy).all())
    True
    """

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        *,
        n_y: int | None = None,
        bridge: Net | Callable[[int], Net] | None = None,
        k1: int = 3,
        k2: int = 3,
        p1: int = 1,
        p2: int = 1,
        s1: int = 1,
        s2: int = 1,
        logdet: bool = True,
        permute: bool = True,
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
        where, rng = "ConditionalLayerHINT", as_rng(rng)
        n_y = n_in if n_y is None else n_y
        expect_positive(where, n_in=n_in, n_hidden=n_hidden, n_y=n_y)
        transformer = make_transformer(coupling, activation, where)
        kernels = dict(k1=k1, k2=k2, p1=p1, p2=p2, s1=s1, s2=s2, ndims=ndims)
        common = dict(final_activation=final_activation, dtype=dtype, rng=rng)
        hint = dict(
            **kernels,
            **common,
            activation=activation,
            block_activation=block_activation,
            shared=shared,
            coupling=coupling,
        )
        # A single channel has nothing to be coupled with.
        hint_x, hint_y = (
            [CouplingLayerHINT(n, n_hidden, **hint)] if n > 1 else []
            for n in (n_in, n_y)
        )
        if bridge is not None and not isinstance(bridge, Net):
            bridge = bridge(n_y)
        block = ResidualBlock(
            n_y,
            n_hidden,
            n_out=transformer.params_per_channel * n_in,
            **kernels,
            **common,
            activation=block_activation,
            fan=True,
        )
        net = block if bridge is None else Sequential(bridge, block)
        lanes = Coupling(net, transformer, PairSplit(first_active=True))
        mix_x, mix_y = [], []
        if permute:
            mixing = dict(n_reflections=n_reflections, dtype=dtype, rng=rng)
            mix_x, mix_y = [Conv1x1(n_in, **mixing)], [Conv1x1(n_y, **mixing)]
        super().__init__(
            OnLane(Chain(*mix_x, *hint_x), 0),
            *(OnLane(mix, 1) for mix in mix_y),
            lanes,
            *(OnLane(coupling, 1) for coupling in hint_y),
            logdet=logdet,
        )
        self.lane_y = Chain(*mix_y, *hint_y)
