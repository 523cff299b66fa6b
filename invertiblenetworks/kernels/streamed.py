"""Which streamed kernel there is for a block of three convolutions, if any."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .._types import Array
from ..backend import get_array_module, on_host
from .activation_base import Activation, is_one_of
from .compiled.block import ACTIVATIONS, CompiledBlock
from .compiled.library import functions
from .streamed_pointwise import PointwiseBlock
from .streamed_spatial import SpatialBlock
from .vector_block import VectorBlock


def streamed_block(
    x: Array,
    parameters: Sequence[Array],
    activation: Activation,
    stride: int = 1,
    pad: int = 0,
) -> CompiledBlock | PointwiseBlock | SpatialBlock | VectorBlock | None:
    """Return the kernel for images or vectors like ``x``.

    Parameters
    ----------
    x : array, shape (N, n_in, *spatial)
    parameters : sequence of array
        W1, b1, W2, b2, W3 as in the formulas of the module `streamed_block`.
    activation : Activation
    stride, pad : int
        Of the first convolution, and of the third, which is the adjoint of such a one.
        The second one keeps the size.

    Returns
    -------
    CompiledBlock, PointwiseBlock, SpatialBlock, VectorBlock or None
        None where arrays live on a device: a device wants large products, not tiles.
    """
    if not on_host(get_array_module(x)):
        return None
    w1, b1, w2, b2, w3 = parameters
    keeps_size = stride == 1 and all(k == 2 * pad + 1 for k in w1.shape[2:])
    if keeps_size and math.prod(w2.shape[2:]) == 1:
        compiled = functions(x.dtype)
        if compiled is not None and is_one_of(ACTIVATIONS, activation):
            return CompiledBlock(w1, b1, w2, b2, w3, activation, compiled)
        if x.ndim == 2:
            return VectorBlock(w1, b1, w2, b2, w3, activation)
        return PointwiseBlock(w1, b1, w2, b2, w3, activation)
    return SpatialBlock(w1, b1, w2, b2, w3, activation, stride, pad)
