"""Maps without an inverse, from which conditioners are built."""

from .as_net import AsNet
from .concat_cond import ConcatCond
from .conditional_residual_block import ConditionalResidualBlock
from .conv import Conv, ConvTranspose
from .data_gradient import DataGradient
from .dense_block import DenseBlock
from .function_net import FunctionNet
from .leapfrog import LeapfrogNet
from .linear import Dense
from .operator_net import OperatorNet
from .pointwise import Pointwise
from .pooling import AveragePool, SpatialMean, Upsample
from .reshape import Flatten, Unflatten
from .residual_block import ResidualBlock
from .resnet import ResNet
from .sequential import Sequential
from .set_summary import SetSummary
from .skip import Skip
from .weighted import CarryLast, WeightedMean

__all__ = [
    "AsNet",
    "AveragePool",
    "CarryLast",
    "ConcatCond",
    "ConditionalResidualBlock",
    "Conv",
    "ConvTranspose",
    "DataGradient",
    "Dense",
    "DenseBlock",
    "Flatten",
    "FunctionNet",
    "LeapfrogNet",
    "OperatorNet",
    "Pointwise",
    "ResNet",
    "ResidualBlock",
    "Sequential",
    "SetSummary",
    "Skip",
    "SpatialMean",
    "Unflatten",
    "Upsample",
    "WeightedMean",
]
