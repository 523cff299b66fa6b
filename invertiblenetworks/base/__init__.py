"""The contract: what a layer promises, and the public methods written once."""

from .bijection import Bijection, CondKind
from .isometry import LinearIsometry
from .layer import Layer
from .linearize import zeros_like
from .net import Net
from .pair import PairMixin

__all__ = [
    "Bijection",
    "CondKind",
    "Layer",
    "LinearIsometry",
    "Net",
    "PairMixin",
    "zeros_like",
]
