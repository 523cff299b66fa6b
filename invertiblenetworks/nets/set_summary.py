"""A summary of sets that does not depend on the order of their members."""

from __future__ import annotations

from .._types import Rng
from ..errors import expect_in
from ..init import as_rng
from ..kernels.activation_layers import Activation
from .conv import Conv
from .linear import Dense
from .pointwise import Pointwise
from .pooling import SpatialMean
from .reshape import Unflatten
from .resnet import ResNet
from .sequential import Sequential
from .weighted import CarryLast, WeightedMean


class SetSummary(Sequential):
    """Summary network for sets: ``g(mean of h(member))`` with two trained maps.

    For data that are exchangeable, such as independent observations of one unknown:
    the condition of a flow for the posterior given all of them.

    Parameters
    ----------
    n_features : int
        Numbers per member. A batch of sets has the shape (N, n_features, n_members),
        and n_members may differ from batch to batch; see ``masked`` for sets of
        different sizes in one batch.
    n_hidden : int
        Width of both maps.
    n_out : int
        Numbers of the summary.
    n_blocks : int, default 2
        Residual blocks in h, between a first pointwise layer and the mean. g has one
        hidden layer.
    activation : Activation or str, default "relu"
        Of both maps.
    masked : bool, default False
        One more channel, the last, says which entries are members (1) and which only
        fill up the array (0). Filled entries may hold any finite number.
    ndims : {0, 1, 2, 3}, default 0
        The summary has the shape (N, n_out) followed by as many ones. Choose the
        number of spatial axes of the state of the flow that it conditions.
    dtype : {"float32", "float64"}, default "float32"
        Type of the parameters.
    rng : numpy.random.Generator, optional
        Source of the initial weights.

    Notes
    -----
    The mean does not see how many members there are. If that matters, give it as a
    feature.

    References
    ----------
    Zaheer et al. (2017), Deep sets, theorem 2, arXiv:1703.06114.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import NetworkConditionalGlow, SetSummary
    >>> from invertiblenetworks import SummarizedNet
    >>> summary = SetSummary(3, 16, 8, rng=1)
    >>> flow = NetworkConditionalGlow(2, 8, 16, L=1, K=2, ndims=0, rng=1)
    >>> net = SummarizedNet(flow, summary)
    >>> rng = np.random.default_rng(0)
    >>> x, sets = rng.random((4, 2), "float32"), rng.random((4, 3, 50), "float32")
    >>> z, logdet = net.forward(x, sets)
    >>> z.shape
    (4, 2)
    """

    def __init__(
        self,
        n_features: int,
        n_hidden: int,
        n_out: int,
        *,
        n_blocks: int = 2,
        activation: Activation | str = "relu",
        masked: bool = False,
        ndims: int = 0,
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        expect_in("SetSummary", (0, 1, 2, 3), ndims=ndims)
        drawn = {"dtype": dtype, "rng": as_rng(rng)}
        pointwise = {"k": 1, "p": 0, "activation": activation, "ndims": 1}
        of_members = [
            Conv(n_features, n_hidden, 1, ndims=1, **drawn),
            Pointwise(activation),
            ResNet(n_hidden, n_hidden, n_blocks, **pointwise, **drawn),
        ]
        mean = [*of_members, SpatialMean()]
        if masked:
            mean = [CarryLast(Sequential(*of_members)), WeightedMean()]
        super().__init__(
            *mean,
            Dense(n_hidden, n_hidden, **drawn),
            Pointwise(activation),
            Dense(n_hidden, n_out, **drawn),
            Unflatten((n_out, *(1,) * ndims)),
        )
