"""PyTorch with the layout of memory that its convolutions like best."""

from __future__ import annotations

import torch

from ..subject import Subject
from ..task import Configuration
from . import plain_torch

LAYOUTS = {2: torch.channels_last, 3: torch.channels_last_3d}


def single_scale(c: Configuration) -> Subject:
    """Glow on squeezed images."""
    return plain_torch.single_scale(c, LAYOUTS[c.ndims])


def residual_block(c: Configuration) -> Subject:
    """The conditioner with square kernels."""
    return plain_torch.residual_block(c, LAYOUTS[c.ndims])


def convolution(c: Configuration) -> Subject:
    """Square 3x3 or 3x3x3 convolution."""
    return plain_torch.convolution(c, LAYOUTS[c.ndims])


def convolution_adjoint_x(c: Configuration) -> Subject:
    """Its adjoint in the images."""
    return plain_torch.convolution_adjoint_x(c, LAYOUTS[c.ndims])


def convolution_adjoint_w(c: Configuration) -> Subject:
    """Its adjoint in the kernels."""
    return plain_torch.convolution_adjoint_w(c, LAYOUTS[c.ndims])
