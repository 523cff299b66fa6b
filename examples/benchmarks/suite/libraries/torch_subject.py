"""What all libraries on top of PyTorch share."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..precision import LEARNING_RATE, precision_subject, training_images
from ..subject import PERTURBATION, Subject
from ..task import Configuration

INITIALISED = ("data_dep_init_done", "initialized")
"""Buffers with which normflows and nflows note that a first batch was seen."""


def as_tensor(x) -> Tensor:
    """Return a tensor over the memory of a NumPy array, or on PyTorch's device."""
    return torch.from_numpy(x).to(torch.get_default_device())


def standard_normal_loss(z: Tensor, log_det: Tensor) -> Tensor:
    """Negative log-likelihood up to a constant, mean over the batch."""
    return (0.5 * z.square().flatten(1).sum(1) - log_det).mean()


def flow_subject(model: nn.Module, loss: Callable[[], Tensor]) -> Subject:
    """Perturb ``model``, and make a step of it.

    Parameters
    ----------
    model : torch.nn.Module
        Owns the parameters.
    loss : callable
        Evaluates the mean negative log-likelihood of the data.
    """
    _skip_first_batch(model)
    _perturb(model)

    def step() -> float:
        model.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        return value.item()

    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return Subject(step, trained, conditioner_weights(model))


def trained_precision(
    c: Configuration, model: nn.Module, loss: Callable[[nn.Module, Tensor], Tensor]
) -> Subject:
    """Train ``model``, and compare its gradients with those in float64."""
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)

    def gradients(model: nn.Module, x) -> list:
        model.zero_grad(set_to_none=True)
        loss(model, as_tensor(x)).backward()
        return [p.grad.numpy() for p in model.parameters() if p.grad is not None]

    for x in training_images(c):
        gradients(model, x)
        optimizer.step()
    double = copy.deepcopy(model).double()
    return precision_subject(
        c, lambda x: gradients(model, x), lambda x: gradients(double, x)
    )


def conditioner_weights(model: nn.Module) -> int:
    """Number of entries in all kernels and matrices of the conditioners.

    The linear maps between the couplings are of other classes.
    """
    kinds = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)
    found = [m for m in model.modules() if isinstance(m, kinds)]
    return sum(m.weight.numel() for m in found)


def _skip_first_batch(model: nn.Module) -> None:
    # The initialisation of ActNorm needs memory of its own, once.
    for name, buffer in model.named_buffers():
        if name.rpartition(".")[2] in INITIALISED:
            buffer.fill_(1)


def _perturb(model: nn.Module) -> None:
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(PERTURBATION * torch.randn_like(parameter))
