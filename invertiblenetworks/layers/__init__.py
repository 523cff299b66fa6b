"""Invertible layers, as the papers propose them."""

from .actnorm import ActNorm
from .affine import AffineLayer
from .conditional_glow import ConditionalLayerGlow
from .conditional_hint import ConditionalLayerHINT
from .conv1x1 import Conv1x1
from .coupling import Coupling
from .hint import CouplingLayerHINT
from .hyperbolic import HyperbolicLayer
from .irim import CouplingLayerIRIM
from .named_couplings import CouplingLayerBasic, CouplingLayerGlow
from .squeezers import HaarLayer, ShuffleLayer, WaveletLayer

__all__ = [
    "ActNorm",
    "AffineLayer",
    "ConditionalLayerGlow",
    "ConditionalLayerHINT",
    "Conv1x1",
    "Coupling",
    "CouplingLayerBasic",
    "CouplingLayerGlow",
    "CouplingLayerHINT",
    "CouplingLayerIRIM",
    "HaarLayer",
    "HyperbolicLayer",
    "ShuffleLayer",
    "WaveletLayer",
]
