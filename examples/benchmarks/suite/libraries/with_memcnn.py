"""MemCNN: its wrapper frees the arguments of a step, and inverts it for the gradient.

van de Leemput et al. (2019), MemCNN, JOSS 4(39), 1576.
"""

from __future__ import annotations

from memcnn import InvertibleModuleWrapper

from ..subject import Subject, squeezed_data
from ..task import Configuration
from .plain_torch import Flow, image_steps
from .torch_subject import as_tensor, flow_subject


def single_scale(c: Configuration) -> Subject:
    """Glow on squeezed images, of the steps written in plain PyTorch."""
    x = as_tensor(squeezed_data(c))
    steps = image_steps(c, x.shape[1])
    model = Flow([InvertibleModuleWrapper(step) for step in steps])
    # A copy, since the wrapper of the first step frees its argument.
    return flow_subject(model, lambda: model(x.clone()))
