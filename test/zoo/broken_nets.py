"""Nets with one fault each."""

from __future__ import annotations

import itertools

import numpy as np

from invertiblenetworks import Parameter

from .broken_privacy import DEVICE
from .faults import caught_by
from .twins import Square


def change_gradients(net, x, cond, change):
    """``_linearize`` of the twin with ``change(add_grad)`` in place of ``add_grad``."""
    y, pull = Square._linearize(net, x, cond)
    return y, lambda dy, add_grad: pull(dy, change(add_grad))


@caught_by("dot_test", "dense_jacobian", "gradient_entries", "taylor_gradient")
class FactorForgotten(Square):
    def _linearize(self, x, cond):
        y, pull = super()._linearize(x, cond)

        def half(dy, add_grad):
            dx, dcond = pull(dy, add_grad)
            return 0.5 * dx, dcond

        return y, half


@caught_by("dot_test", "dense_jacobian", "taylor_jvp")
class TangentForgotten(Square):
    def _jvp(self, dx, dcond, tangent, x, cond):
        none = Parameter(np.zeros_like(self.b.data))
        return super()._jvp(
            dx, dcond, lambda p: none.data if p is self.b else tangent(p), x, cond
        )


@caught_by("gradient_entries", "taylor_gradient", "taylor_jvp")
class OtherFunction(Square):
    """``forward`` computes another function than the one that is differentiated."""

    def _forward(self, x, cond):
        return super()._forward(x, cond) + 1e-3 * x


@caught_by("accumulates", "adjoint_is_pure", "vjp_matches_backward")
class OverwrittenGradient(Square):
    def _linearize(self, x, cond):
        def change(add_grad):
            return lambda parameter, gradient: setattr(parameter, "grad", gradient)

        return change_gradients(self, x, cond, change)


@caught_by("frozen")
class FreezeIgnored(Square):
    def _linearize(self, x, cond):
        def change(add_grad):
            def add_anyway(parameter, gradient):
                known, parameter.trainable = parameter.trainable, True
                add_grad(parameter, gradient)
                parameter.trainable = known

            return add_anyway

        return change_gradients(self, x, cond, change)


@caught_by("inputs_untouched")
class MutatedInput(Square):
    def _forward(self, x, cond):
        y = super()._forward(x, cond)
        x += 1e-12
        return y


@caught_by("no_call_state")
class CachedState(Square):
    def _linearize(self, x, cond):
        self.last = x
        return super()._linearize(x, cond)


@caught_by("no_synchronisation")
class HiddenSynchronisation(Square):
    def _forward(self, x, cond):
        DEVICE.waits += 1
        return super()._forward(x, cond)


@caught_by("dtypes")
class SilentUpcast(Square):
    def _forward(self, x, cond):
        return super()._forward(x, cond) * np.float64(1.0)


@caught_by("noncontiguous")
class MemoryOrderAssumed(Square):
    def _forward(self, x, cond):
        return super()._forward(x.ravel(order="K").reshape(x.shape), cond)


@caught_by("batch_independent")
class MixedSamples(Square):
    def _forward(self, x, cond):
        return super()._forward(x, cond) + 1e-6 * x.mean(axis=0)


@caught_by("params")
class ListedTwice(Square):
    def get_params(self):
        return [self.s, self.b, self.s]


@caught_by("save_load")
class HiddenParameter(Square):
    drawn = itertools.count(1)

    def __init__(self, n_channels, **options):
        super().__init__(n_channels, **options)
        self.factor = 1.0 + 1e-6 * next(self.drawn)

    def scale(self, x):
        return super().scale(x) * self.factor


@caught_by("bad_arguments")
class AnyNumberOfChannels(Square):
    def _check_shape(self, shape, cond_shape):
        return shape
