"""Glow with a condition."""

from __future__ import annotations

from .._types import Rng
from ..base import Bijection
from ..base.expected_shapes import Expected, ExpectedShapesMixin
from ..compose import Chain, MultiScale, WithCondition
from ..errors import expect_positive
from ..init import as_rng
from ..kernels.activation_layers import Activation
from ..layers import ActNorm, ConditionalLayerGlow, ShuffleLayer
from .steps import channels_per_scale, check_scales, level, steps


class NetworkConditionalGlow(ExpectedShapesMixin, WithCondition):
    """Generative flow of L scales with K steps each, given a condition.

    Parameters
    ----------
    n_in, n_cond, n_hidden : int
        Channels of the state and of the condition, and width of the conditioners.
    L, K : int
        Number of scales, and of steps per scale.
    logdet : bool, default True
        As for ``NetworkGlow``.
    split_scales : bool, default False
        As for ``NetworkGlow``; the condition is squeezed along, never split.
    freeze_conv, rb_activation, k1, k2, p1, p2, s1, s2, activation, coupling, \
n_reflections, final_activation
        See ``ConditionalLayerGlow``.
    ndims, squeezer, dtype, rng
        See ``NetworkGlow``.

    Shapes
    ------
    x, z : (N, n_in, *spatial)
    cond : (N, n_cond, *spatial)

    Notes
    -----
    The condition first passes an ActNorm of its own. ``forward(x, cond)``,
    ``inverse(z, cond)`` and ``backward(dz, z, cond)`` all take the raw condition, so
    sampling needs no forward pass; ``backward`` returns its gradient last.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import NetworkConditionalGlow
    >>> net = NetworkConditionalGlow(2, 3, 8, L=1, K=2, rng=1)
    >>> rng = np.random.default_rng(0)
    >>> x, cond = (rng.random((4, c, 8, 8)).astype("float32") for c in (2, 3))
    >>> z, logdet = net.forward(x, cond)
    >>> dx, x, dcond = net.backward(z / 4, z, cond)
    >>> dcond.shape
    (4, 3, 8, 8)
    """

    def __init__(
        self,
        n_in: int,
        n_cond: int,
        n_hidden: int,
        L: int,
        K: int,
        *,
        logdet: bool = True,
        freeze_conv: bool = False,
        split_scales: bool = False,
        rb_activation: Activation | str = "relu",
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
        final_activation: Activation | str = "identity",
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where, rng = "NetworkConditionalGlow", as_rng(rng)
        expect_positive(where, n_in=n_in, n_cond=n_cond, n_hidden=n_hidden, L=L, K=K)
        split_scales = split_scales or n_in == 1
        check_scales(where, ndims, split_scales)
        self._expected = Expected(
            ndims, (n_in,), of_condition=n_cond, least_ndims=int(split_scales)
        )
        options = dict(
            **dict(k1=k1, k2=k2, p1=p1, p2=p2, s1=s1, s2=s2, ndims=ndims),
            freeze_conv=freeze_conv,
            rb_activation=rb_activation,
            activation=activation,
            coupling=coupling,
            n_reflections=n_reflections,
            final_activation=final_activation,
            dtype=dtype,
            rng=rng,
        )

        def step(n_channels: int, n_cond: int) -> list[Bijection]:
            norm = ActNorm(n_channels, dtype=dtype)
            return [norm, ConditionalLayerGlow(n_channels, n_cond, n_hidden, **options)]

        if split_scales:
            of_x, going_on = channels_per_scale(n_in, L, ndims, halve=True)
            of_cond, _ = channels_per_scale(n_cond, L, ndims, halve=False)
            levels = [
                level(K, lambda c=c, d=d: step(c, d))
                for c, d in zip(of_x, of_cond, strict=True)
            ]
            squeezer = ShuffleLayer() if squeezer is None else squeezer
            flow = MultiScale(levels, going_on, squeezer, squeeze_condition=True)
        else:
            flow = Chain(*steps(L * K, lambda: step(n_in, n_cond)))
        super().__init__(flow, ActNorm(n_cond, dtype=dtype), logdet=logdet)
