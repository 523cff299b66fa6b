"""How bijections are joined."""

from .chain import Chain, Composition, PairChain
from .condition import WithCondition
from .multiscale import MultiScale
from .parts import OnPart, Split, Swap
from .reverse import Reverse, reverse

__all__ = [
    "Chain",
    "Composition",
    "MultiScale",
    "OnPart",
    "PairChain",
    "Reverse",
    "Split",
    "Swap",
    "WithCondition",
    "reverse",
]
