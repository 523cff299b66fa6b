"""Invertible layers, as the papers propose them."""

from .actnorm import ActNorm
from .affine import AffineLayer
from .conv1x1 import Conv1x1
from .coupling import Coupling
from .named_couplings import CouplingLayerBasic, CouplingLayerGlow
from .squeezers import HaarLayer, ShuffleLayer, WaveletLayer

__all__ = [
    "ActNorm",
    "AffineLayer",
    "Conv1x1",
    "Coupling",
    "CouplingLayerBasic",
    "CouplingLayerGlow",
    "HaarLayer",
    "ShuffleLayer",
    "WaveletLayer",
]
