"""Glow."""

from __future__ import annotations

from .._types import Rng
from ..base import Bijection
from ..base.expected_shapes import Expected, ExpectedShapesMixin
from ..compose import Chain, MultiScale
from ..errors import expect, expect_positive
from ..init import as_rng
from ..kernels.activation_layers import Activation
from ..layers import ActNorm, CouplingLayerGlow, ShuffleLayer
from .steps import channels_per_scale, check_scales, level, steps


class NetworkGlow(ExpectedShapesMixin, Chain):
    """Generative flow of L scales with K steps each.

    A step is ActNorm, 1x1 convolution and affine coupling. With ``split_scales`` each
    scale starts with a squeeze, and half of its channels go on to the next; without,
    the network is L K steps at full resolution.

    Parameters
    ----------
    n_in, n_hidden : int
        Channels of the input, and width of the conditioners.
    L, K : int
        Number of scales, and of steps per scale.
    logdet : bool, default True
        Return the batch-mean log-determinant from ``forward`` and include
        ``- logdet`` in gradients.
    nx : int, optional
        Length of the data, for ``dense``.
    dense : bool, default False
        Fully connected conditioners for 1-D data (N, n_in, nx).
    freeze_conv : bool, default False
        Keep the 1x1 convolutions as drawn.
    split_scales : bool, default False
        See above; always true for one channel, which cannot be coupled otherwise.
    k1, k2, p1, p2, s1, s2 : int
        Kernel sizes, paddings and strides of the conditioners, see ``ResidualBlock``.
    ndims : {0, 1, 2, 3}, default 2
        Number of spatial axes; 0 for vectors (N, n_in), without ``split_scales``.
    squeezer : Bijection, default ``ShuffleLayer()``
        ``ShuffleLayer``, ``WaveletLayer`` or ``HaarLayer``.
    activation : Activation or str, default ``ExpClampLayer()``
        Makes the scales of the couplings positive.
    coupling, n_reflections, block_activation, final_activation
        See ``CouplingLayerGlow``.
    dtype : {"float32", "float64"}, default "float32"
        Type of the parameters.
    rng : numpy.random.Generator, optional
        Source of the initial parameters.

    Shapes
    ------
    x, z : (N, n_in, *spatial)
        The latent has the shape of the input: it can be drawn, per sample, without a
        forward pass. With ``split_scales`` all spatial sizes must be divisible by 2^L.

    Notes
    -----
    ``f = |z|^2 / (2 N) - logdet`` is the negative log-likelihood up to a constant,
    with ``backward(z / N, z)`` for its gradient.

    References
    ----------
    Kingma and Dhariwal (2018), Glow, arXiv:1807.03039.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import NetworkGlow
    >>> net = NetworkGlow(3, 8, L=2, K=2, split_scales=True, rng=1)
    >>> x = np.random.default_rng(0).random((4, 3, 8, 8)).astype("float32")
    >>> z, logdet = net.forward(x)
    >>> dx, x_again = net.backward(z / 4, z)
    >>> bool(abs(x - x_again).max() < 1e-4)
    True
    """

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        L: int,
        K: int,
        *,
        logdet: bool = True,
        nx: int | None = None,
        dense: bool = False,
        freeze_conv: bool = False,
        split_scales: bool = False,
        k1: int = 3,
        k2: int = 1,
        p1: int = 1,
        p2: int = 0,
        s1: int = 1,
        s2: int = 1,
        ndims: int = 2,
        squeezer: Bijection | None = None,
        activation: Activation | str | None = None,
        coupling: str = "affine",
        n_reflections: int = 3,
        block_activation: Activation | str = "relu",
        final_activation: Activation | str = "identity",
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where, rng = "NetworkGlow", as_rng(rng)
        expect_positive(where, n_in=n_in, n_hidden=n_hidden, L=L, K=K)
        split_scales = split_scales or n_in == 1
        check_scales(where, ndims, split_scales)
        _check_dense(where, dense, nx, ndims, split_scales, L)
        least = None if dense else int(split_scales)
        self._expected = Expected(ndims, (n_in,), least_ndims=least)
        options = dict(
            **dict(k1=k1, k2=k2, p1=p1, p2=p2, s1=s1, s2=s2, ndims=ndims),
            dense=dense,
            freeze_conv=freeze_conv,
            activation=activation,
            coupling=coupling,
            n_reflections=n_reflections,
            block_activation=block_activation,
            final_activation=final_activation,
            dtype=dtype,
            rng=rng,
        )

        def step(n_channels: int, length: int | None) -> list[Bijection]:
            coupling = CouplingLayerGlow(n_channels, n_hidden, nx=length, **options)
            return [ActNorm(n_channels, dtype=dtype), coupling]

        if not split_scales:
            super().__init__(*steps(L * K, lambda: step(n_in, nx)), logdet=logdet)
            return
        channels, going_on = channels_per_scale(n_in, L, ndims, halve=True)
        lengths = [None if nx is None else nx // 2**i for i in range(1, L + 1)]
        levels = [
            level(K, lambda c=c, length=length: step(c, length))
            for c, length in zip(channels, lengths, strict=True)
        ]
        squeezer = ShuffleLayer() if squeezer is None else squeezer
        super().__init__(MultiScale(levels, going_on, squeezer), logdet=logdet)


def _check_dense(where, dense, nx, ndims, split_scales, n_scales) -> None:
    expect(dense or nx is None, where, "nx for dense=True only", f"nx={nx!r}")
    if not dense:
        return
    wanted = "ndims=1 and the length nx of the data, for dense=True"
    fits = isinstance(nx, int) and nx > 0 and ndims == 1
    expect(fits, where, wanted, f"ndims={ndims}, nx={nx}")
    if split_scales:
        divisor = 2**n_scales
        wanted = f"nx divisible by {divisor} (2 to the number of scales)"
        expect(nx % divisor == 0, where, wanted, f"{nx}")
