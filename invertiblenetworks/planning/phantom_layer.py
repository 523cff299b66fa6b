"""A layer whose parameters are phantom arrays, made without copying any numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable

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

    def phantom(parameter: Parameter) -> Parameter:
        new = Parameter(xp.empty(parameter.shape, dtype), trainable=parameter.trainable)
        if gradients and parameter.trainable:
            new.grad = xp.empty(parameter.shape, dtype)
        return new

    return _Copy(phantom).of(layer)


def phantom_layer_as_it_is(layer: Layer, xp: PhantomModule) -> Layer:
    """The same with the values, gradients and types that there are now."""

    def phantom(parameter: Parameter) -> Parameter:
        trainable, grad = parameter.trainable, parameter.grad
        if parameter.initialized:
            data = xp.empty(parameter.shape, parameter.dtype)
            new = Parameter(data, trainable=trainable)
        else:
            new = _Unset(xp, parameter)
        if grad is not None:
            new.grad = xp.empty(grad.shape, grad.dtype)
        return new

    return _Copy(phantom).of(layer)


class _Unset(Parameter):
    """A parameter that will get its values from a batch of phantom arrays."""

    def __init__(self, xp: PhantomModule, parameter: Parameter):
        shape, dtype = parameter.shape, parameter.dtype
        super().__init__(shape=shape, dtype=dtype, trainable=parameter.trainable)
        self._array_module = xp

    @property
    def array_module(self) -> PhantomModule:
        return self._array_module


class _Copy:
    """Copies each layer and each parameter once, so that what is shared stays so."""

    def __init__(self, phantom: Callable[[Parameter], Parameter]):
        self._phantom = phantom
        self._known: dict[int, object] = {}

    def of(self, value):
        """Copy whatever parameters are looked for in: see ``Layer.named_params``."""
        if isinstance(value, list | tuple):
            return type(value)([self.of(part) for part in value])
        if isinstance(value, dict):
            return {key: self.of(part) for key, part in value.items()}
        if isinstance(value, Layer | Parameter) and id(value) not in self._known:
            is_layer = isinstance(value, Layer)
            copied = self._layer(value) if is_layer else self._phantom(value)
            self._known[id(value)] = copied
        return self._known.get(id(value), value)

    def _layer(self, layer: Layer) -> Layer:
        new = copy.copy(layer)
        vars(new).update({name: self.of(part) for name, part in vars(layer).items()})
        return new
