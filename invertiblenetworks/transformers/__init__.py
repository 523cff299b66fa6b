"""Elementwise bijections whose parameters come from outside, from a conditioner."""

from .additive import AdditiveTransformer
from .affine import AffineTransformer
from .base import Transformer

__all__ = ["AdditiveTransformer", "AffineTransformer", "Transformer"]
