"""A step of a wave-like network."""

from __future__ import annotations

from .._types import Rng
from ..compose import PairChain, PairSplit, Swap, on_both, reverse
from ..errors import expect, expect_in, expect_positive
from ..kernels.activation_layers import Activation
from ..nets import LeapfrogNet
from ..transformers import ReflectionTransformer
from .coupling import Coupling
from .squeezers import HaarLayer


class HyperbolicLayer(PairChain):
    """Leapfrog step on two states, the previous and the current one.

    Map: ``(x_prev, x_cur) -> (x_cur, 2 x_cur - x_prev - alpha K^T phi(K x_cur + b))``,
    after a Haar transform of both if the action says so; log-determinant 0.

    Parameters
    ----------
    n_in : int
        Channels of each state on entry.
    kernel, stride, pad : int
        Of the convolution K.
    action : {0, 1, -1}, default 0
        0 keeps the resolution; 1 first doubles it (inverse Haar transform, channels
        divided by 2^d); -1 first halves it (Haar transform, channels times 2^d).
    alpha : float, default 1
        Step length; small values keep deep networks stable.
    n_hidden : int, optional
        Channels of K x; by default as many as the step has.
    logdet : bool, default False
        Return the log-determinant, zero, too.
    activation : Activation or str, default "relu"
        phi.
    ndims, dtype, rng
        As for every layer.

    References
    ----------
    Lensink, Peters and Haber (2022), Fully hyperbolic convolutional neural networks,
    section 2, arXiv:1905.10484.
    """

    def __init__(
        self,
        n_in: int,
        kernel: int,
        stride: int,
        pad: int,
        *,
        action: int = 0,
        alpha: float = 1.0,
        n_hidden: int | None = None,
        logdet: bool = False,
        activation: Activation | str = "relu",
        ndims: int = 2,
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where, factor = "HyperbolicLayer", 2**ndims
        expect_positive(where, n_in=n_in)
        expect_in(where, (0, 1, -1), action=action)
        layers = []
        if action == 1:
            wanted = f"n_in divisible by {factor}, to double the resolution"
            expect(n_in % factor == 0, where, wanted, f"{n_in}")
            layers, n_in = on_both(reverse(HaarLayer())), n_in // factor
        elif action == -1:
            layers, n_in = on_both(HaarLayer()), n_in * factor
        n_hidden = n_in if n_hidden is None else n_hidden
        options = dict(alpha=alpha, activation=activation, ndims=ndims)
        net = LeapfrogNet(
            n_in, n_hidden, kernel, stride, pad, **options, dtype=dtype, rng=rng
        )
        step = Coupling(net, ReflectionTransformer(), PairSplit(first_active=True))
        super().__init__(*layers, step, Swap(), logdet=logdet)
