"""Invertible neural networks with memory-efficient gradients over NumPy and CuPy."""

__version__ = "0.1.0"

from .backend import get_array_module, gpu_available, to_cpu, to_gpu
from .base import *
from .compose import *
from .errors import NotInitializedError
from .layers import *
from .nets import *
from .networks import *
from .parameter import Parameter
from .transformers import *
