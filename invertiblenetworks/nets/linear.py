"""Affine maps of vectors."""

from __future__ import annotations

from .._types import Rng
from ..base import Net
from ..errors import expect_positive
from ..init import constant, float_type, glorot_uniform
from ..kernels.householder import channel_gram
from ..kernels.products import product


class Dense(Net):
    """Fully connected layer, ``y = W x + b`` for each sample.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of features.
    zero : bool, default False
        Start with ``W = 0`` instead of Glorot uniform values.
    dtype : {"float32", "float64"}, default "float32"
        Type of the parameters.
    rng : numpy.random.Generator, optional
        Source of the initial weight.

    Attributes
    ----------
    weight : Parameter, shape (n_out, n_in)
    bias : Parameter, shape (n_out,)
    """

    _is_per_sample = True

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        zero: bool = False,
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        expect_positive("Dense", n_in=n_in, n_out=n_out)
        dtype = float_type(dtype, "Dense")
        shape = (n_out, n_in)
        if zero:
            self.weight = constant(shape, 0.0, dtype)
        else:
            self.weight = glorot_uniform(shape, n_in, n_out, dtype, rng)
        self.bias = constant((n_out,), 0.0, dtype)

    def _forward(self, x, cond):
        return product(x, self.weight.data.T) + self.bias.data

    def _linearize(self, x, cond):
        def pull(dy, add_grad):
            add_grad(self.weight, channel_gram(dy, x))
            add_grad(self.bias, dy.sum(axis=0))
            return product(dy, self.weight.data), None

        return self._forward(x, None), pull

    def _jvp(self, dx, dcond, tangent, x, cond):
        dy = product(dx, self.weight.data.T) + product(x, tangent(self.weight).T)
        dy += tangent(self.bias)
        return dy, self._forward(x, None)

    def _check_shape(self, shape, cond_shape):
        n_out, n_in = self.weight.shape
        found = f"an array of shape {shape}"
        self._expect(shape[1:] == (n_in,), f"an array of shape (N, {n_in})", found)
        return (shape[0], n_out)
