"""Optimisers: how parameters are moved along their gradients."""

from .clipping import clip_grad_norm
from .rules import ADAM, SGD
from .schedules import cosine_decay, exponential_decay

__all__ = ["ADAM", "SGD", "clip_grad_norm", "cosine_decay", "exponential_decay"]
