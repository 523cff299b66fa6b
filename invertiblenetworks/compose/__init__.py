"""How bijections are joined."""

from .chain import Chain, ComposedInvertibleNetwork, Composition, PairChain
from .condition import WithCondition
from .lane_y import LaneYMixin
from .lanes import OnLane, on_both
from .multiscale import MultiScale, PairMultiScale
from .parts import OnPart, Split, Swap
from .reverse import Reverse, reverse
from .splits import ChannelSplit, PairSplit

__all__ = [
    "Chain",
    "ChannelSplit",
    "ComposedInvertibleNetwork",
    "Composition",
    "LaneYMixin",
    "MultiScale",
    "OnLane",
    "OnPart",
    "PairChain",
    "PairMultiScale",
    "PairSplit",
    "Reverse",
    "Split",
    "Swap",
    "WithCondition",
    "on_both",
    "reverse",
]
