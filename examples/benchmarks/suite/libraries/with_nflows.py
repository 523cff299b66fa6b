"""nflows: ActNorm, 1x1 convolution and affine coupling, as in its image models.

Durkan et al. (2020), nflows: normalizing flows in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from nflows.distributions import StandardNormal
from nflows.flows import Flow
from nflows.transforms import (
    ActNorm,
    AffineCouplingTransform,
    CompositeTransform,
    LULinear,
    OneByOneConvolution,
)
from torch import Tensor, nn

from ..subject import Subject, data, squeezed_data
from ..task import Configuration
from .torch_conditioners import convolutions, matrices
from .torch_subject import as_tensor, flow_subject


class WithContext(nn.Module):
    """A conditioner that is called with a context, which it has no use for."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, inputs: Tensor, context: None = None) -> Tensor:
        """Evaluate the conditioner."""
        return self.net(inputs)


def single_scale(c: Configuration) -> Subject:
    """Flow on squeezed images."""
    x = as_tensor(squeezed_data(c))
    return _flow(c, x, OneByOneConvolution, convolutions)


def dense(c: Configuration) -> Subject:
    """Flow on vectors."""
    return _flow(c, as_tensor(data(c)), LULinear, matrices)


def _flow(
    c: Configuration,
    x: Tensor,
    mixing: Callable[[int], nn.Module],
    conditioner: Callable[[int, int, int], nn.Module],
) -> Subject:
    channels = x.shape[1]
    transformed = torch.arange(channels) < channels // 2

    def net(n_in: int, n_out: int) -> nn.Module:
        return WithContext(conditioner(n_in, c.hidden, n_out))

    transforms = []
    for _ in range(c.steps):
        transforms.append(ActNorm(channels))
        transforms.append(mixing(channels))
        transforms.append(AffineCouplingTransform(transformed.int(), net))
    model = Flow(CompositeTransform(transforms), StandardNormal(x.shape[1:]))
    return flow_subject(model, lambda: -model.log_prob(x).mean())
