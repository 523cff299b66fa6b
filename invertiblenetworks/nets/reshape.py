"""From images to vectors and back, sample by sample."""

from __future__ import annotations

import math

from .._types import Shape
from .linear_net import LinearNet


class _Reshape(LinearNet):
    """Give each sample a new shape; subclasses say which."""

    def _target(self, shape: Shape) -> Shape:
        raise NotImplementedError

    def _apply(self, x):
        return x.reshape(self._target(x.shape))

    def _adjoint(self, dy, shape):
        return dy.reshape(shape)

    def _check_shape(self, shape, cond_shape):
        return self._target(shape)


class Flatten(_Reshape):
    """(N, C, *spatial) to (N, features), in C order."""

    _is_per_sample = True

    def _target(self, shape):
        return (shape[0], math.prod(shape[1:]))


class Unflatten(_Reshape):
    """(N, features) to (N, *sample_shape)."""

    _is_per_sample = True

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
