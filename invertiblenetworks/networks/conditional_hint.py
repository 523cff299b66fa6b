"""Conditional HINT: two lanes, the first given the second."""

from __future__ import annotations

from collections.abc import Callable

from .._types import Rng
from ..base import Bijection, Net
from ..base.expected_shapes import Expected, ExpectedShapesMixin
from ..compose import (
    Chain,
    LaneYMixin,
    MultiScale,
    OnLane,
    PairChain,
    PairMultiScale,
)
from ..errors import expect_positive
from ..init import as_rng
from ..kernels.activation_layers import Activation
from ..layers import ActNorm, ConditionalLayerHINT, ShuffleLayer
from .steps import channels_per_scale, check_scales


class NetworkConditionalHINT(ExpectedShapesMixin, LaneYMixin, PairChain):
    """Flow of two lanes on one scale; lane X sees lane Y, not the other way round.

    Parameters
    ----------
    n_in, n_hidden : int
        Channels of lane X, and width of the conditioners.
    depth : int
        Number of steps of ActNorm (on each lane) and ``ConditionalLayerHINT``.
    n_y, bridge, k1, k2, p1, p2, s1, s2, permute, activation, shared, coupling, \
n_reflections, block_activation, final_activation
        See ``ConditionalLayerHINT``.
    logdet : bool, default True
        As for every layer.
    ndims, dtype, rng
        As for every layer.

    Notes
    -----
    Trained on pairs (x, y), it samples the posterior of x given an observed y:
    ``zy = net.forward_y(y)`` once, then ``x, y = net.inverse(zx, zy)`` for standard
    normal ``zx``.

    References
    ----------
    Kruse, Detommaso, Scheichl and Koethe (2021), HINT, section 3.2, arXiv:1905.10687.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import NetworkConditionalHINT
    >>> net = NetworkConditionalHINT(2, 8, 2, rng=1)
    >>> rng = np.random.default_rng(0)
    >>> x, y = (rng.random((4, 2, 4, 4)).astype("float32") for _ in range(2))
    >>> zx, zy, logdet = net.forward(x, y)
    >>> bool(abs(net.forward_y(y) - zy).max() < 1e-5)
    True
    """

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        depth: int,
        *,
        n_y: int | None = None,
        bridge: Net | Callable[[int], Net] | None = None,
        k1: int = 3,
        k2: int = 3,
        p1: int = 1,
        p2: int = 1,
        s1: int = 1,
        s2: int = 1,
        permute: bool = True,
        logdet: bool = True,
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
        where, n_y = "NetworkConditionalHINT", n_in if n_y is None else n_y
        expect_positive(where, n_in=n_in, n_hidden=n_hidden, depth=depth, n_y=n_y)
        self._expected = _expected(ndims, n_in, n_y, bridge)
        options = dict(
            **dict(k1=k1, k2=k2, p1=p1, p2=p2, s1=s1, s2=s2, ndims=ndims),
            bridge=bridge,
            permute=permute,
            activation=activation,
            shared=shared,
            coupling=coupling,
            n_reflections=n_reflections,
            block_activation=block_activation,
            final_activation=final_activation,
            dtype=dtype,
            rng=as_rng(rng),
        )
        lanes, of_y = _steps(depth, n_in, n_y, n_hidden, options)
        super().__init__(*lanes, logdet=logdet)
        self.lane_y = Chain(*of_y)


class NetworkMultiScaleConditionalHINT(ExpectedShapesMixin, LaneYMixin, PairMultiScale):
    """Conditional HINT on L scales with K steps each; both lanes are squeezed.

    Parameters
    ----------
    n_in, n_hidden : int
        Channels of lane X, and width of the conditioners.
    L, K : int
        Number of scales, and of steps per scale.
    split_scales : bool, default False
        Half of the channels of both lanes go on from each scale to the next; by
        default all.
    squeezer : Bijection, default ``ShuffleLayer()``
        ``ShuffleLayer``, ``WaveletLayer`` or ``HaarLayer``, for both lanes.
    n_y, bridge, k1, k2, p1, p2, s1, s2, permute, activation, shared, coupling, \
n_reflections, block_activation, final_activation
        See ``ConditionalLayerHINT``.
    logdet, ndims, dtype, rng
        As for ``NetworkConditionalHINT``.
    """

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        L: int,
        K: int,
        *,
        split_scales: bool = False,
        n_y: int | None = None,
        bridge: Net | Callable[[int], Net] | None = None,
        k1: int = 3,
        k2: int = 3,
        p1: int = 1,
        p2: int = 1,
        s1: int = 1,
        s2: int = 1,
        permute: bool = True,
        logdet: bool = True,
        ndims: int = 2,
        squeezer: Bijection | None = None,
        activation: Activation | str | None = None,
        shared: bool = True,
        coupling: str = "affine",
        n_reflections: int = 3,
        block_activation: Activation | str = "relu",
        final_activation: Activation | str = "identity",
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where, n_y = "NetworkMultiScaleConditionalHINT", n_in if n_y is None else n_y
        expect_positive(where, n_in=n_in, n_hidden=n_hidden, L=L, K=K, n_y=n_y)
        check_scales(where, ndims, True)
        self._expected = _expected(ndims, n_in, n_y, bridge)
        options = dict(
            **dict(k1=k1, k2=k2, p1=p1, p2=p2, s1=s1, s2=s2, ndims=ndims),
            bridge=bridge,
            permute=permute,
            activation=activation,
            shared=shared,
            coupling=coupling,
            n_reflections=n_reflections,
            block_activation=block_activation,
            final_activation=final_activation,
            dtype=dtype,
            rng=as_rng(rng),
        )
        of_x, x_going_on = channels_per_scale(n_in, L, ndims, halve=split_scales)
        of_y, y_going_on = channels_per_scale(n_y, L, ndims, halve=split_scales)
        levels, levels_y = [], []
        for c, d in zip(of_x, of_y, strict=True):
            lanes, lane_y = _steps(K, c, d, n_hidden, options)
            levels.append(Chain(*lanes))
            levels_y.append(Chain(*lane_y))
        squeezer = ShuffleLayer() if squeezer is None else squeezer
        both = zip(x_going_on, y_going_on, strict=True)
        going_on = [pair if split_scales else None for pair in both]
        super().__init__(levels, going_on, squeezer, pair=True, logdet=logdet)
        self.lane_y = MultiScale(levels_y, y_going_on, squeezer)


def _expected(ndims, n_x, n_y, bridge) -> Expected:
    """A lane of one channel has no coupling: a bridge may read any axes of it."""
    return Expected(ndims, (n_x, None if n_y == 1 and bridge is not None else n_y))


def _steps(count, n_x, n_y, n_hidden, options):
    """Return the layers of ``count`` steps, and those of lane Y alone among them."""
    lanes, of_y = [], []
    for _ in range(count):
        norms = [ActNorm(c, dtype=options["dtype"]) for c in (n_x, n_y)]
        coupling = ConditionalLayerHINT(n_x, n_hidden, n_y=n_y, **options)
        lanes += [OnLane(norms[0], 0), OnLane(norms[1], 1), coupling]
        of_y += [norms[1], coupling.lane_y]
    return lanes, of_y
