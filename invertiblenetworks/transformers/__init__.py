"""Elementwise bijections whose parameters come from outside, from a conditioner."""

from .additive import AdditiveTransformer
from .affine import AffineTransformer
from .base import Transformer
from .reflection import ReflectionTransformer

__all__ = [
    "AdditiveTransformer",
    "AffineTransformer",
    "ReflectionTransformer",
    "Transformer",
]
