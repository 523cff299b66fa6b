"""From images to vectors and back, sample by sample."""

from __future__ import annotations

import math

from .._types import Shape
from ..base import Net


class _Reshape(Net):
    """Give each sample a new shape; subclasses say which."""

    def _target(self, shape: Shape) -> Shape:
        raise NotImplementedError

    def _forward(self, x, cond):
        return x.reshape(self._target(x.shape))

    def _linearize(self, x, cond):
        shape = x.shape
        return self._forward(x, None), lambda dy, add_grad: (dy.reshape(shape), None)

    def _jvp(self, dx, dcond, tangent, x, cond):
        return self._forward(dx, None), self._forward(x, None)

    def _check_shape(self, shape, cond_shape):
        return self._target(shape)


class Flatten(_Reshape):
    """(N, C, *spatial) to (N, features), in C order."""

    def _target(self, shape):
        return (shape[0], math.prod(shape[1:]))


class Unflatten(_Reshape):
    """(N, features) to (N, *sample_shape)."""

    def __init__(self, sample_shape: Shape):
        self.sample_shape = tuple(sample_shape)

    def _target(self, shape):
        return (shape[0], *self.sample_shape)

    def _check_shape(self, shape, cond_shape):
        n_features = math.prod(self.sample_shape)
        found = f"an array of shape {shape}"
        wanted = f"an array of shape (N, {n_features})"
        self._expect(shape[1:] == (n_features,), wanted, found)
        return self._target(shape)
