"""RealNVP in plain PyTorch: couplings whose halves change places, and nothing else.

The cheapest flow with these conditioners, so a bound from below for all others.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..subject import Subject, data
from ..task import Configuration
from .plain_torch import Flow
from .torch_conditioners import matrices
from .torch_glow import AffineCoupling
from .torch_subject import as_tensor, flow_subject


class Swapped(AffineCoupling):
    """Exchange the halves, then couple them."""

    def forward(self, x: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the step."""
        swapped = torch.cat((x[:, self.half :], x[:, : self.half]), 1)
        return super().forward(swapped, log_det)


def dense(c: Configuration) -> Subject:
    """RealNVP on vectors."""
    x = as_tensor(data(c))
    model = Flow([Swapped(c.channels, c.hidden, matrices) for _ in range(c.steps)])
    return flow_subject(model, lambda: model(x))
