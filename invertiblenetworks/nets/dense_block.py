"""A fully connected conditioner for samples of fixed shape."""

from __future__ import annotations

import math

from .._types import Rng, Shape
from ..init import as_rng
from ..kernels.activation_layers import Activation, elementwise_activation
from .linear import Dense
from .pointwise import Pointwise
from .reshape import Flatten, Unflatten
from .sequential import Sequential


class DenseBlock(Sequential):
    """Three fully connected layers from one sample shape to another.

    Parameters
    ----------
    shape_in, shape_out : tuple of int
        Shapes of one sample, for instance ``(channels, nx)``.
    n_hidden : int
        Width of the two hidden layers.
    activation : Activation or str, default "relu"
        Between the layers.
    final_activation : Activation or str, optional
        After the last layer; by default none.
    zero : bool, default True
        Start the last layer at zero, so that a coupling starts as the identity.
    dtype, rng
        As for ``Dense``.
    """

    _is_per_sample = True

    def __init__(
        self,
        shape_in: Shape,
        shape_out: Shape,
        n_hidden: int,
        *,
        activation: Activation | str = "relu",
        final_activation: Activation | str = "identity",
        zero: bool = True,
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        rng = as_rng(rng)
        activation = elementwise_activation(activation, "DenseBlock")
        final_activation = elementwise_activation(final_activation, "DenseBlock")
        n_in, n_out = math.prod(shape_in), math.prod(shape_out)
        super().__init__(
            Flatten(),
            Dense(n_in, n_hidden, dtype=dtype, rng=rng),
            Pointwise(activation),
            Dense(n_hidden, n_hidden, dtype=dtype, rng=rng),
            Pointwise(activation),
            Dense(n_hidden, n_out, zero=zero, dtype=dtype, rng=rng),
            Pointwise(final_activation),
            Unflatten(shape_out),
        )
        self.shape_in = tuple(shape_in)

    def _check_shape(self, shape, cond_shape):
        found = f"an array of shape {shape}"
        wanted = f"samples of shape {self.shape_in}"
        self._expect(shape[1:] == self.shape_in, wanted, found)
        return super()._check_shape(shape, cond_shape)
