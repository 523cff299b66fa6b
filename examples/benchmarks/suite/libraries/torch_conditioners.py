"""Conditioners in PyTorch, for the libraries that leave them to the user."""

from __future__ import annotations

from torch import nn


def convolutions(n_in: int, n_hidden: int, n_out: int) -> nn.Sequential:
    """Kernels of 3x3, 1x1 and 3x3; the last one starts at zero."""
    net = nn.Sequential(
        nn.Conv2d(n_in, n_hidden, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(n_hidden, n_hidden, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(n_hidden, n_out, 3, padding=1),
    )
    return _with_last_zero(net)


def matrices(n_in: int, n_hidden: int, n_out: int) -> nn.Sequential:
    """Perceptron with two hidden layers; the last matrix starts at zero."""
    net = nn.Sequential(
        nn.Linear(n_in, n_hidden),
        nn.ReLU(inplace=True),
        nn.Linear(n_hidden, n_hidden),
        nn.ReLU(inplace=True),
        nn.Linear(n_hidden, n_out),
    )
    return _with_last_zero(net)


def _with_last_zero(net: nn.Sequential) -> nn.Sequential:
    nn.init.zeros_(net[-1].weight)
    nn.init.zeros_(net[-1].bias)
    return net
