"""A layer whose parameters are phantom arrays, made without copying any numbers."""

from __future__ import annotations

import copy

import numpy as np

from ..base import Layer
from ..parameter import Parameter
from .phantom_module import PhantomModule


def phantom_layer(
    layer: Layer, xp: PhantomModule, dtype: np.dtype, *, gradients: bool
) -> Layer:
    """Return a copy of the structure of a layer, with phantom arrays as parameters.

    Parameters
    ----------
    layer : Layer
        Stays as it is. What it holds beside parameters, layers and containers of them
        is shared with the copy. Parameters without values count as having some.
    xp : PhantomModule
        Counts the arrays.
    dtype : dtype
        Type of the parameters.
    gradients : bool
        Whether the trainable ones have gradients already.
    """
    return _Copy(xp, dtype, gradients).of(layer)


class _Copy:
    """Copies each layer and each parameter once, so that what is shared stays so."""

    def __init__(self, xp: PhantomModule, dtype: np.dtype, gradients: bool):
        self._xp, self._dtype, self._gradients = xp, dtype, gradients
        self._known: dict[int, object] = {}

    def of(self, value):
        """Copy whatever parameters are looked for in: see ``Layer.named_params``."""
        if isinstance(value, list | tuple):
            return type(value)([self.of(part) for part in value])
        if isinstance(value, dict):
            return {key: self.of(part) for key, part in value.items()}
        if isinstance(value, Layer | Parameter) and id(value) not in self._known:
            is_layer = isinstance(value, Layer)
            self._known[id(value)] = (self._layer if is_layer else self._parameter)(
                value
            )
        return self._known.get(id(value), value)

    def _layer(self, layer: Layer) -> Layer:
        new = copy.copy(layer)
        vars(new).update({name: self.of(part) for name, part in vars(layer).items()})
        return new

    def _parameter(self, parameter: Parameter) -> Parameter:
        def empty():
            return self._xp.empty(parameter.shape, self._dtype)

        new = Parameter(empty(), trainable=parameter.trainable)
        if self._gradients and parameter.trainable:
            new.grad = empty()
        return new
