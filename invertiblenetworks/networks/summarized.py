"""A conditional network with a summary network in front of its condition."""

from __future__ import annotations

from ..base import Bijection, Net
from ..compose import WithCondition


class SummarizedNet(WithCondition):
    """``cond_net(x, sum_net(cond))``, trained jointly.

    Parameters
    ----------
    cond_net : Bijection
        A network with an array as condition, such as ``NetworkConditionalGlow``.
    sum_net : Net or Bijection
        What brings the raw condition into its form.
    logdet : bool, optional
        By default that of ``cond_net``.

    Notes
    -----
    All methods take the raw condition, and ``backward`` returns the gradient with
    respect to it; nothing has to be handed back as ``Y_save`` in the original.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import NetworkConditionalGlow, ResidualBlock
    >>> from invertiblenetworks import SummarizedNet
    >>> flow = NetworkConditionalGlow(2, 3, 8, L=1, K=1, rng=1)
    >>> net = SummarizedNet(flow, ResidualBlock(5, 8, n_out=6, rng=1))
    >>> x, cond = (np.random.rand(4, c, 4, 4).astype("float32") for c in (2, 5))
    >>> z, logdet = net.forward(x, cond)
    """

    def __init__(
        self,
        cond_net: Bijection,
        sum_net: Net | Bijection,
        *,
        logdet: bool | None = None,
    ):
        super().__init__(cond_net, sum_net, logdet=logdet)
