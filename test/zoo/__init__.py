"""Layers and nets with one fault each, and the correct twins they are derived from."""

from . import broken_layers, broken_nets, broken_pairs, broken_privacy
from .faults import BROKEN_LAYERS, BROKEN_NETS

__all__ = [
    "BROKEN_LAYERS",
    "BROKEN_NETS",
    "broken_layers",
    "broken_nets",
    "broken_pairs",
    "broken_privacy",
]
