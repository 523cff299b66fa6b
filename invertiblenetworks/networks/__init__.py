"""Networks: recipes made of layers. No passes are written in this folder."""

from .conditional_glow import NetworkConditionalGlow
from .conditional_hint import (
    NetworkConditionalHINT,
    NetworkMultiScaleConditionalHINT,
)
from .glow import NetworkGlow
from .hint import NetworkMultiScaleHINT
from .hyperbolic import NetworkHyperbolic
from .loop import NetworkLoop
from .summarized import SummarizedNet

__all__ = [
    "NetworkConditionalGlow",
    "NetworkConditionalHINT",
    "NetworkGlow",
    "NetworkHyperbolic",
    "NetworkLoop",
    "NetworkMultiScaleConditionalHINT",
    "NetworkMultiScaleHINT",
    "SummarizedNet",
]
