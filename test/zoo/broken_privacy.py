"""Layers that compute what they should, and do something else besides."""

from __future__ import annotations

import itertools

import numpy as np

from invertiblenetworks import Parameter

from .faults import caught_by
from .twins import Scale, ScaleFromData


class DeviceStub:
    """Stands in for the counters of a GPU: counts waits that a layer reports."""

    def __init__(self):
        self.waits = 0

    def reset(self):
        self.waits = 0

    def read(self):
        return self.waits, 0, 0


DEVICE = DeviceStub()


@caught_by(
    "accumulates", "shared", "adjoint_is_pure", "dot_test", "vjp_matches_backward"
)
class OverwrittenGradient(Scale):
    def _backward(self, dy, dld, y, cond, add_grad):
        def overwrite(parameter, gradient):
            parameter.grad = gradient

        return super()._backward(dy, dld, y, cond, overwrite)


@caught_by("accumulates")
class GradientOnceOnly(Scale):
    """A second gradient is lost."""

    def _backward(self, dy, dld, y, cond, add_grad):
        def add_first(parameter, gradient):
            first = add_grad is not Parameter.accumulate or parameter.grad is None
            add_grad(parameter, gradient if first else 0.0 * gradient)

        return super()._backward(dy, dld, y, cond, add_first)


@caught_by("accumulates")
class GradientsInOneArray(Scale):
    """Both parameters get the same array when their gradients are equal."""

    def _backward(self, dy, dld, y, cond, add_grad):
        kept = []

        def share(parameter, gradient):
            kept.append(gradient)
            kept[0][...] = gradient
            add_grad(parameter, kept[0])

        return super()._backward(dy, dld, y, cond, share)


@caught_by("adjoint_is_pure")
class AdjointWritesGradients(Scale):
    def _backward(self, dy, dld, y, cond, add_grad):
        def add_both(parameter, gradient):
            add_grad(parameter, gradient)
            if add_grad is not Parameter.accumulate:
                parameter.accumulate(gradient)

        return super()._backward(dy, dld, y, cond, add_both)


@caught_by("frozen")
class FreezeIgnored(Scale):
    def _backward(self, dy, dld, y, cond, add_grad):
        def add_anyway(parameter, gradient):
            known, parameter.trainable = parameter.trainable, True
            add_grad(parameter, gradient)
            parameter.trainable = known

        return super()._backward(dy, dld, y, cond, add_anyway)


@caught_by("frozen")
class FreezeStopsEverything(Scale):
    """One frozen parameter freezes the others."""

    def _backward(self, dy, dld, y, cond, add_grad):
        def add_if_all(parameter, gradient):
            if all(p.trainable for p in self.get_params()):
                add_grad(parameter, gradient)

        return super()._backward(dy, dld, y, cond, add_if_all)


@caught_by("inputs_untouched")
class MutatedInput(Scale):
    def _backward(self, dy, dld, y, cond, add_grad):
        out = super()._backward(dy, dld, y, cond, add_grad)
        dy *= self.scale(dy)
        return out


@caught_by("inputs_untouched")
class MutatedDirection(Scale):
    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        out = super()._jacobian_inv(dy, dcond, tangent, y, cond)
        tangent(self.s)[...] = 0.0
        return out


@caught_by("no_call_state")
class CachedState(Scale):
    def _forward(self, x, cond):
        self.last = x
        return super()._forward(x, cond)


@caught_by("no_call_state")
class HiddenCache(Scale):
    """In an object that belongs to the layer."""

    def __init__(self, n_channels, **options):
        super().__init__(n_channels, **options)
        self.cache = {"shapes": []}

    def _inverse(self, y, cond):
        self.cache["shapes"].append(y.shape)
        return super()._inverse(y, cond)


@caught_by("no_call_state")
class RenormalisedParameters(Scale):
    """Moves its parameters, within rounding, in every call."""

    def _forward(self, x, cond):
        self.s.data = self.s.data * (1.0 + 4e-16)
        return super()._forward(x, cond)


@caught_by("no_synchronisation")
class HiddenSynchronisation(Scale):
    def _jacobian(self, dx, dcond, tangent, x, cond):
        DEVICE.waits += 1
        return super()._jacobian(dx, dcond, tangent, x, cond)


@caught_by("dtypes")
class SilentUpcast(Scale):
    """A NumPy number is not a Python number."""

    def _forward(self, x, cond):
        y, ld = super()._forward(x, cond)
        return y, ld * np.float64(1.0)


@caught_by("dtypes")
class ComputedInHalfPrecision(Scale):
    def _forward(self, x, cond):
        y, ld = super()._forward(x, cond)
        return (y if y.dtype == np.float64 else y.astype("float16").astype(y.dtype)), ld


@caught_by("dtypes")
class DtypeOptionIgnored(Scale):
    def __init__(self, n_channels, *, dtype="float32", rng=None):
        super().__init__(n_channels, dtype="float64", rng=rng)
        if np.dtype(dtype) == np.float32:
            self.b = Parameter(self.b.data.astype(dtype))

    def _expected_kind(self, parameters=None):
        return self.b.dtype, np


@caught_by("dtypes", "bad_arguments")
class AnyDtypeTaken(Scale):
    def _check_arrays(self, method, **arrays):
        pass


@caught_by("noncontiguous")
class MemoryOrderAssumed(Scale):
    def _forward(self, x, cond):
        return super()._forward(x.ravel(order="K").reshape(x.shape), cond)


@caught_by("params")
class ChangingOrder(Scale):
    turn = itertools.count()

    def named_params(self):
        named = super().named_params()
        return dict(reversed(named.items())) if next(self.turn) % 2 else named


@caught_by("params")
class ListedTwice(Scale):
    def get_params(self):
        return [self.s, self.b, self.s]


@caught_by("params")
class SettingKeepsTheArray(Scale):
    def set_params(self, values):
        for parameter, value in zip(self.get_params(), values, strict=True):
            parameter.data = value


@caught_by("params")
class ParametersWithoutEffect(Scale):
    def set_params(self, values):
        pass


@caught_by("save_load")
class HiddenParameter(Scale):
    """A number drawn in every constructor, which no file knows."""

    drawn = itertools.count(1)

    def __init__(self, n_channels, **options):
        super().__init__(n_channels, **options)
        self.factor = 1.0 + 1e-6 * next(self.drawn)

    def scale(self, x):
        return super().scale(x) * self.factor


@caught_by("bad_arguments")
class AnyNumberOfChannels(Scale):
    def _check_shape(self, shape, cond_shape, inverse):
        return shape


@caught_by("bad_arguments")
class MessageWithoutName(Scale):
    def _check_shape(self, shape, cond_shape, inverse):
        if shape[1:2] != self.s.shape:
            raise ValueError("wrong shape")
        return shape


@caught_by("bad_arguments")
class ChangedBeforeChecked(Scale):
    """Drops its gradients before it looks at the arguments."""

    def _check(self, method, inverse, cond, optional=(), **arrays):
        for parameter in self.get_params():
            parameter.grad = np.zeros_like(parameter.data)
        super()._check(method, inverse, cond, optional, **arrays)


@caught_by("bad_arguments")
class UsedBeforeFirstBatch(ScaleFromData):
    """Pretends to be ready."""

    def _require_initialized(self, method):
        for parameter in self.get_params():
            if not parameter.initialized:
                parameter.data = np.ones(parameter.shape, parameter.dtype)
