"""HINT on several scales."""

from __future__ import annotations

from .._types import Rng
from ..base import Bijection
from ..base.expected_shapes import Expected, ExpectedShapesMixin
from ..compose import MultiScale
from ..errors import expect_positive
from ..init import as_rng
from ..kernels.activation_layers import Activation
from ..layers import ActNorm, CouplingLayerHINT, WaveletLayer
from .steps import channels_per_scale, check_scales, level


class NetworkMultiScaleHINT(ExpectedShapesMixin, MultiScale):
    """Flow of L scales with K steps of ActNorm and HINT coupling each.

    Parameters
    ----------
    n_in, n_hidden : int
        Channels of the input, and width of the conditioners.
    L, K : int
        Number of scales, and of steps per scale.
    logdet : bool, default True
        As for ``NetworkGlow``.
    split_scales : bool, default False
        Half of the channels go on from each scale to the next; by default all.
    squeezer : Bijection, default ``WaveletLayer()``
        ``WaveletLayer``, ``HaarLayer`` or ``ShuffleLayer``.
    permute, k1, k2, p1, p2, s1, s2, activation, shared, coupling, n_reflections, \
block_activation, final_activation
        See ``CouplingLayerHINT``.
    ndims, dtype, rng
        See ``NetworkGlow``.

    Shapes
    ------
    x, z : (N, n_in, *spatial)
        All spatial sizes must be divisible by 2^L.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import NetworkMultiScaleHINT
    >>> net = NetworkMultiScaleHINT(1, 8, L=2, K=1, rng=1)
    >>> z, logdet = net.forward(np.random.rand(2, 1, 8, 8).astype("float32"))
    >>> z.shape
    (2, 1, 8, 8)
    """

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        L: int,
        K: int,
        *,
        logdet: bool = True,
        split_scales: bool = False,
        permute: str = "full",
        k1: int = 3,
        k2: int = 3,
        p1: int = 1,
        p2: int = 1,
        s1: int = 1,
        s2: int = 1,
        activation: Activation | str | None = None,
        ndims: int = 2,
        squeezer: Bijection | None = None,
        shared: bool = True,
        coupling: str = "affine",
        n_reflections: int = 3,
        block_activation: Activation | str = "relu",
        final_activation: Activation | str = "identity",
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where, rng = "NetworkMultiScaleHINT", as_rng(rng)
        expect_positive(where, n_in=n_in, n_hidden=n_hidden, L=L, K=K)
        check_scales(where, ndims, True)
        self._expected = Expected(ndims, (n_in,), least_ndims=1)
        options = dict(
            **dict(k1=k1, k2=k2, p1=p1, p2=p2, s1=s1, s2=s2, ndims=ndims),
            permute=permute,
            activation=activation,
            shared=shared,
            coupling=coupling,
            n_reflections=n_reflections,
            block_activation=block_activation,
            final_activation=final_activation,
            dtype=dtype,
            rng=rng,
        )

        def step(n_channels: int) -> list[Bijection]:
            norm = ActNorm(n_channels, dtype=dtype)
            return [norm, CouplingLayerHINT(n_channels, n_hidden, **options)]

        channels, going_on = channels_per_scale(n_in, L, ndims, halve=split_scales)
        levels = [level(K, lambda c=c: step(c)) for c in channels]
        squeezer = WaveletLayer() if squeezer is None else squeezer
        super().__init__(levels, going_on, squeezer, logdet=logdet)
