"""PyTorch without further libraries: every activation is stored."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional, grad

from ..subject import Subject, data, squeezed_data
from ..task import Configuration
from .fresh_process import import_seconds
from .torch_conditioners import convolutions, matrices
from .torch_glow import GlowStep
from .torch_residual_block import residual_block_subject
from .torch_subject import as_tensor, flow_subject, standard_normal_loss

ROWS = torch.contiguous_format


class Flow(nn.Module):
    """Steps one after the other; returns the mean negative log-likelihood."""

    def __init__(self, steps: list[nn.Module]):
        super().__init__()
        self.steps = nn.ModuleList(steps)

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate the flow."""
        log_det = x.new_zeros(len(x))
        for step in self.steps:
            x, log_det = self.apply_step(step, x, log_det)
        return standard_normal_loss(x, log_det)

    def apply_step(self, step, x: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        """Apply one step; to be changed by what saves memory."""
        return step(x, log_det)


def image_steps(c: Configuration, channels: int) -> list[GlowStep]:
    """Steps of a flow on images."""
    return [GlowStep(channels, c.hidden, convolutions, 2) for _ in range(c.steps)]


def single_scale(c: Configuration, layout: torch.memory_format = ROWS) -> Subject:
    """Glow on squeezed images."""
    x = as_tensor(squeezed_data(c)).to(memory_format=layout)
    model = Flow(image_steps(c, x.shape[1])).to(memory_format=layout)
    return flow_subject(model, lambda: model(x))


def dense(c: Configuration) -> Subject:
    """Glow on vectors."""
    x = as_tensor(data(c))
    steps = [GlowStep(c.channels, c.hidden, matrices, 0) for _ in range(c.steps)]
    model = Flow(steps)
    return flow_subject(model, lambda: model(x))


def residual_block(c: Configuration, layout: torch.memory_format = ROWS) -> Subject:
    """The conditioner with square kernels."""
    return residual_block_subject(c, layout)


def convolution(c: Configuration, layout: torch.memory_format = ROWS) -> Subject:
    """Square 3x3 or 3x3x3 convolution."""
    x, w = _images_and_kernels(c, layout)
    call = {2: functional.conv2d, 3: functional.conv3d}[c.ndims]
    return _without_gradient(partial(call, x, w, padding=1), w)


def convolution_adjoint_x(
    c: Configuration, layout: torch.memory_format = ROWS
) -> Subject:
    """Its adjoint in the images."""
    dy, w = _images_and_kernels(c, layout)
    call = {2: grad.conv2d_input, 3: grad.conv3d_input}[c.ndims]
    return _without_gradient(partial(call, dy.shape, w, dy, padding=1), w)


def convolution_adjoint_w(
    c: Configuration, layout: torch.memory_format = ROWS
) -> Subject:
    """Its adjoint in the kernels."""
    x, w = _images_and_kernels(c, layout)
    call = {2: grad.conv2d_weight, 3: grad.conv3d_weight}[c.ndims]
    return _without_gradient(partial(call, x, w.shape, x.clone(), padding=1), w)


def import_package(c: Configuration) -> Subject:
    """Start of an interpreter that imports PyTorch."""
    return Subject(lambda: import_seconds("torch"))


def _images_and_kernels(c, layout) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    kernels = torch.randn(c.channels, c.channels, *(3,) * c.ndims)
    images = as_tensor(data(c))
    return images.to(memory_format=layout), kernels.to(memory_format=layout)


def _without_gradient(call, w: Tensor) -> Subject:
    def step() -> float:
        with torch.no_grad():
            return call().flatten()[0].item()

    return Subject(step, w.numel(), w.numel())
