"""Change the resolution of images, by averages and by repetition."""

from __future__ import annotations

import math

from .._types import Shape
from ..backend import get_array_module
from ..errors import expect_positive
from ..kernels.pooling import repeat_pixels, sum_blocks
from .linear_net import LinearNet


class _Blocks(LinearNet):
    """What has a factor for each spatial axis."""

    def __init__(self, factor: int | Shape):
        factors = factor if isinstance(factor, tuple) else (factor,)
        for number in factors:
            expect_positive(type(self).__name__, factor=number)
        self.factor = factor

    def _block(self, shape: Shape) -> Shape:
        """Return the factors for the spatial axes of an array of this shape."""
        if isinstance(self.factor, tuple):
            return self.factor
        return (self.factor,) * (len(shape) - 2)

    def _expect_axes(self, shape: Shape) -> Shape:
        """Return the factors if they fit the spatial axes."""
        block, found = self._block(shape), f"an array of shape {shape}"
        wanted = f"{len(block) or 'some'} spatial axes"
        self._expect(0 < len(block) == len(shape) - 2, wanted, found)
        return block


class AveragePool(_Blocks):
    """Replace blocks of pixels by their mean.

    Parameters
    ----------
    factor : int or tuple of int
        Size of a block, one for all spatial axes or one for each. Spatial sizes must
        be divisible by it.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import AveragePool
    >>> AveragePool(2).forward(np.arange(6.0).reshape(1, 1, 6))
    array([[[0.5, 2.5, 4.5]]])
    """

    def _apply(self, x):
        block = self._block(x.shape)
        return sum_blocks(x, block) * (1.0 / math.prod(block))

    def _adjoint(self, dy, shape):
        block = self._block(shape)
        return repeat_pixels(dy, block) * (1.0 / math.prod(block))

    def _check_shape(self, shape, cond_shape):
        block = self._expect_axes(shape)
        sizes = list(zip(shape[2:], block, strict=True))
        wanted = f"spatial sizes divisible by {self.factor}"
        self._expect(all(n % f == 0 for n, f in sizes), wanted, f"{shape[2:]}")
        return (*shape[:2], *(n // f for n, f in sizes))


class Upsample(_Blocks):
    """Replace each pixel by a block of its value (nearest neighbour).

    Parameters
    ----------
    factor : int or tuple of int
        Size of a block, one for all spatial axes or one for each.

    Notes
    -----
    ``AveragePool`` undoes it. Its adjoint is the *sum* over blocks, which is
    ``AveragePool`` times the number of pixels of a block.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import Upsample
    >>> Upsample(2).forward(np.array([[[1.0, 2.0]]]))
    array([[[1., 1., 2., 2.]]])
    """

    def _apply(self, x):
        return repeat_pixels(x, self._block(x.shape))

    def _adjoint(self, dy, shape):
        return sum_blocks(dy, self._block(shape))

    def _check_shape(self, shape, cond_shape):
        block = self._expect_axes(shape)
        sizes = zip(shape[2:], block, strict=True)
        return (*shape[:2], *(n * f for n, f in sizes))


class SpatialMean(LinearNet):
    """Mean over all pixels: (N, C, *spatial) to (N, C), for any sizes.

    A summary of a set whose members lie on the spatial axis; their order plays no
    part.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import SpatialMean
    >>> SpatialMean().forward(np.arange(6.0).reshape(1, 2, 3))
    array([[1., 4.]])
    """

    def _apply(self, x):
        return x.mean(axis=tuple(range(2, x.ndim)))

    def _adjoint(self, dy, shape):
        spread = dy.reshape(*dy.shape, *(1,) * (len(shape) - 2))
        whole = get_array_module(dy).broadcast_to(spread, shape)
        return whole * (1.0 / math.prod(shape[2:]))

    def _check_shape(self, shape, cond_shape):
        found = f"an array of shape {shape}"
        self._expect(len(shape) > 2, "at least one spatial axis", found)
        return shape[:2]
