"""Hyperbolic networks."""

from __future__ import annotations

from collections.abc import Sequence

from .._types import Rng
from ..base.expected_shapes import Expected, ExpectedShapesMixin
from ..compose import PairChain
from ..errors import expect, expect_positive
from ..init import as_rng
from ..kernels.activation_layers import Activation
from ..layers import HyperbolicLayer


class NetworkHyperbolic(ExpectedShapesMixin, PairChain):
    """A leapfrog network on two states, volume preserving.

    Parameters
    ----------
    n_in : int
        Channels of each of the two states.
    architecture : sequence of (action, n_hidden)
        One pair per layer, see ``HyperbolicLayer``; action 1 doubles the resolution,
        -1 halves it.
    k, s, p : int
        Kernel size, stride and padding of all convolutions.
    logdet : bool, default True
        Return the log-determinant, which is zero (the original returns one).
    alpha : float, default 1
        Step length.
    activation, ndims, dtype, rng
        See ``HyperbolicLayer``.

    References
    ----------
    Lensink, Peters and Haber (2022), Fully hyperbolic convolutional neural networks,
    arXiv:1905.10484.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import NetworkHyperbolic
    >>> net = NetworkHyperbolic(2, ((0, 4), (-1, 8), (1, 4)), alpha=0.2, rng=1)
    >>> x = np.random.rand(2, 2, 8, 8).astype("float32")
    >>> previous, current, logdet = net.forward(x, x)
    """

    def __init__(
        self,
        n_in: int,
        architecture: Sequence[tuple[int, int]],
        *,
        k: int = 3,
        s: int = 1,
        p: int = 1,
        logdet: bool = True,
        alpha: float = 1.0,
        activation: Activation | str = "relu",
        ndims: int = 2,
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where, rng = "NetworkHyperbolic", as_rng(rng)
        expect_positive(where, n_in=n_in)
        expect(len(architecture) > 0, where, "at least one layer", "none")
        channels = (n_in, n_in)
        options = dict(alpha=alpha, activation=activation, ndims=ndims, dtype=dtype)
        layers = []
        for action, n_hidden in architecture:
            layers.append(
                HyperbolicLayer(
                    n_in, k, s, p, action=action, n_hidden=n_hidden, rng=rng, **options
                )
            )
            n_in = round(n_in * 2.0 ** (-action * ndims))
        self._expected = Expected(ndims, channels, of_result=(n_in, n_in))
        super().__init__(*layers, logdet=logdet)
