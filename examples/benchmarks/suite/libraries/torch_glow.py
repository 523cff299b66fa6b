"""One step of Glow in plain PyTorch, as one would write it by hand.

All modules are functions ``(x, log_det) -> (y, log_det)`` with an inverse of the same
form, ``log_det`` of shape (N,), on images and on vectors.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

OFFSET = 2.0
"""Of the sigmoid of the scales, which then start near 1, as in Glow's own code."""

Conditioner = Callable[[int, int, int], nn.Module]
"""``conditioner(n_in, n_hidden, n_out)``."""


class AffineCoupling(nn.Module):
    """Scale and shift the first half of the channels given the second."""

    def __init__(self, channels: int, n_hidden: int, conditioner: Conditioner):
        super().__init__()
        self.half = channels // 2
        self.net = conditioner(channels - self.half, n_hidden, 2 * self.half)

    def forward(self, x: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the coupling."""
        x1, x2 = x[:, : self.half], x[:, self.half :]
        scale, shift = self._scale_and_shift(x2)
        log_det = log_det + scale.log().flatten(1).sum(1)
        return torch.cat((scale * x1 + shift, x2), 1), log_det

    def inverse(self, y: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        """Undo the coupling."""
        y1, x2 = y[:, : self.half], y[:, self.half :]
        scale, shift = self._scale_and_shift(x2)
        log_det = log_det - scale.log().flatten(1).sum(1)
        return torch.cat(((y1 - shift) / scale, x2), 1), log_det

    def _scale_and_shift(self, x2: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self.net(x2).chunk(2, 1)
        return torch.sigmoid(log_scale + OFFSET), shift


class Mixing(nn.Module):
    """ActNorm, then an invertible 1x1 convolution (a matrix, for vectors)."""

    def __init__(self, channels: int, ndims: int):
        super().__init__()
        self.ndims = ndims
        self.log_scale = nn.Parameter(torch.zeros(channels))
        self.shift = nn.Parameter(torch.zeros(channels))
        rotation, _ = torch.linalg.qr(torch.randn(channels, channels))
        self.weight = nn.Parameter(rotation)

    def forward(self, x: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        """Apply normalisation and convolution."""
        x = x * self._per_channel(self.log_scale.exp()) + self._per_channel(self.shift)
        return self._convolve(self.weight, x), log_det + self._log_det(x)

    def inverse(self, y: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        """Undo them."""
        log_det = log_det - self._log_det(y)
        x = self._convolve(torch.linalg.inv(self.weight), y)
        x = x - self._per_channel(self.shift)
        return x * self._per_channel((-self.log_scale).exp()), log_det

    def _log_det(self, x: Tensor) -> Tensor:
        pixels = x[0, 0].numel()
        return pixels * (self.log_scale.sum() + torch.linalg.slogdet(self.weight)[1])

    def _convolve(self, matrix: Tensor, x: Tensor) -> Tensor:
        if self.ndims == 0:
            return x @ matrix.T
        return functional.conv2d(x, matrix[..., None, None])

    def _per_channel(self, values: Tensor) -> Tensor:
        return values.reshape(-1, *(1,) * self.ndims)


class GlowStep(nn.Module):
    """ActNorm, 1x1 convolution and affine coupling.

    Parameters
    ----------
    channels, n_hidden : int
        Channels of the data, and width of the conditioner.
    conditioner : callable
        ``conditioner(n_in, n_hidden, n_out)`` returns a module.
    ndims : int
        2 for images, 0 for vectors.
    """

    def __init__(
        self, channels: int, n_hidden: int, conditioner: Conditioner, ndims: int
    ):
        super().__init__()
        self.mixing = Mixing(channels, ndims)
        self.coupling = AffineCoupling(channels, n_hidden, conditioner)

    def forward(self, x: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the step."""
        return self.coupling(*self.mixing(x, log_det))

    def inverse(self, y: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        """Undo the step."""
        return self.mixing.inverse(*self.coupling.inverse(y, log_det))
