"""FrEIA: a sequence of ``AllInOneBlock``.

Ardizzone et al. (2018-2022), Framework for Easily Invertible Architectures.
"""

from __future__ import annotations

from collections.abc import Callable

from FrEIA.framework import SequenceINN
from FrEIA.modules import AllInOneBlock
from torch import Tensor, nn

from ..subject import Subject, data, squeezed_data
from ..task import Configuration
from .torch_conditioners import convolutions, matrices
from .torch_subject import as_tensor, flow_subject, standard_normal_loss


def single_scale(c: Configuration) -> Subject:
    """Flow on squeezed images."""
    return _flow(c, as_tensor(squeezed_data(c)), convolutions)


def dense(c: Configuration) -> Subject:
    """Flow on vectors."""
    return _flow(c, as_tensor(data(c)), matrices)


def _flow(
    c: Configuration, x: Tensor, conditioner: Callable[[int, int, int], nn.Module]
) -> Subject:
    def subnet(n_in: int, n_out: int) -> nn.Module:
        return conditioner(n_in, c.hidden, n_out)

    model = SequenceINN(*x.shape[1:])
    for _ in range(c.steps):
        model.append(AllInOneBlock, subnet_constructor=subnet)
    return flow_subject(model, lambda: standard_normal_loss(*model(x)))
