"""Maps without an inverse, from which conditioners are built."""

from .concat_cond import ConcatCond
from .dense_block import DenseBlock
from .leapfrog import LeapfrogNet
from .linear import Dense
from .pointwise import Pointwise
from .reshape import Flatten, Unflatten
from .residual_block import ResidualBlock
from .sequential import Sequential

__all__ = [
    "ConcatCond",
    "Dense",
    "DenseBlock",
    "Flatten",
    "LeapfrogNet",
    "Pointwise",
    "ResidualBlock",
    "Sequential",
    "Unflatten",
]
