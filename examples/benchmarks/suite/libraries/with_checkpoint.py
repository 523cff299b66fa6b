"""PyTorch that stores the state before every step, and evaluates steps again."""

from __future__ import annotations

from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ..subject import Subject, squeezed_data
from ..task import Configuration
from .plain_torch import Flow, image_steps
from .torch_subject import as_tensor, flow_subject


class CheckpointedFlow(Flow):
    """A flow with a checkpoint before every step."""

    def apply_step(self, step, x: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        """Apply one step, storing its arguments only."""
        return checkpoint(step, x, log_det, use_reentrant=False)


def single_scale(c: Configuration) -> Subject:
    """Glow on squeezed images."""
    x = as_tensor(squeezed_data(c))
    model = CheckpointedFlow(image_steps(c, x.shape[1]))
    return flow_subject(model, lambda: model(x))
