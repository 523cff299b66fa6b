"""The conditioner with square kernels, in PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..subject import Subject, data
from ..task import Configuration
from .torch_subject import as_tensor, conditioner_weights


class ResidualBlock(nn.Module):
    """Two convolutions with a skip connection, and a transposed one.

    Parameters
    ----------
    channels, ndims : int
        Channels everywhere, and number of spatial axes.
    """

    def __init__(self, channels: int, ndims: int):
        super().__init__()
        conv = {2: nn.Conv2d, 3: nn.Conv3d}[ndims]
        transposed = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}[ndims]
        self.first = conv(channels, channels, 3, padding=1)
        self.second = conv(channels, channels, 3, padding=1)
        self.third = transposed(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate the block."""
        h1 = torch.relu_(self.first(x))
        h2 = torch.relu_(h1 + self.second(h1))
        return self.third(h2)


def residual_block_subject(
    c: Configuration, memory_format: torch.memory_format
) -> Subject:
    """Value and gradient, also in the data, as between the layers of a flow."""
    block = ResidualBlock(c.channels, c.ndims).to(memory_format=memory_format)
    x = as_tensor(data(c)).to(memory_format=memory_format).requires_grad_()
    dy = x.detach().clone()

    def step() -> float:
        block.zero_grad(set_to_none=True)
        x.grad = None
        block(x).backward(dy)
        return x.grad.flatten()[0].item()

    trained = sum(p.numel() for p in block.parameters())
    return Subject(step, trained, conditioner_weights(block))
