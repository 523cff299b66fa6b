"""The contract: what a layer promises, and the public methods written once."""

from .bijection import Bijection, CondKind
from .inverse_problem import InverseProblemMixin
from .isometry import LinearIsometry
from .layer import Layer
from .linearize import zeros_like
from .net import Net
from .pair import PairMixin

__all__ = [
    "Bijection",
    "CondKind",
    "InverseProblemMixin",
    "Layer",
    "LinearIsometry",
    "Net",
    "PairMixin",
    "zeros_like",
]
