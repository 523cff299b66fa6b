"""Layers that compute something wrong."""

from __future__ import annotations

import numpy as np

from invertiblenetworks.kernels.channels import per_sample, sum_but_channels

from .faults import SHAPE, caught_by
from .twins import Scale, ScaleFromData, Shift

# --- the map and its inverse ----------------------------------------------------------


@caught_by("invertible", "reconstruction")
class EpsilonInInverse(Scale):
    def _inverse(self, y, cond):
        return (y - self.shift(y)) / (self.scale(y) + 1e-8), -self.ld(y)


@caught_by("invertible", "logdet_dense", "taylor_jvp", "backward_inv")
class LogdetSignOfInverse(Scale):
    def _inverse(self, y, cond):
        return super()._inverse(y, cond)[0], self.ld(y)


@caught_by("invertible", "logdet_dense", "taylor_gradient", "taylor_jvp")
class LogdetSignOfForward(Scale):
    def _forward(self, x, cond):
        return super()._forward(x, cond)[0], -self.ld(x)


@caught_by("logdet_dense")
class LogdetTwiceAsLarge(Scale):
    """Everywhere, so that all derivatives agree with it."""

    def ld(self, x):
        return 2.0 * super().ld(x)

    def dld(self, x, ds):
        return 2.0 * super().dld(x, ds)

    def ds_from_logdet(self, dld, x):
        return 2.0 * super().ds_from_logdet(dld, x)


@caught_by("logdet_option")
class LogdetSummed(Scale):
    """Over the batch, in place of the mean."""

    def forward(self, x, cond=None):
        out = super().forward(x, cond)
        return (out[0], out[1] * x.shape[0]) if self.logdet else out


@caught_by("logdet_option")
class LogdetOfShapeOne(Scale):
    def log_abs_det(self, x, cond=None):
        return super().log_abs_det(x, cond)[:1]


@caught_by("reconstruction")
class ForgottenState(Scale):
    """Returns the state it was given."""

    def _backward(self, dy, dld, y, cond, add_grad):
        dx, _, dcond = super()._backward(dy, dld, y, cond, add_grad)
        return dx, y, dcond


@caught_by("reverse_modes")
class OwnInverse(Scale):
    """Overrides a public method: compositions and reversed layers do not see it."""

    def inverse(self, y, cond=None):
        return super().inverse(y, cond) * (1.0 + 1e-9)


# --- derivatives ----------------------------------------------------------------------


@caught_by("dot_test", "dense_jacobian", "gradient_entries", "taylor_gradient")
class LogdetIgnoredInGradient(Scale):
    def _backward(self, dy, dld, y, cond, add_grad):
        return super()._backward(dy, 0.0 * dld, y, cond, add_grad)


@caught_by("dot_test", "dense_jacobian", "gradient_entries", "backward_inv")
class LogdetSignInGradientOfInverse(Scale):
    def _backward_inv(self, dx, dld, x, cond, add_grad):
        return super()._backward_inv(dx, -dld, x, cond, add_grad)


@caught_by("gradient_entries", "taylor_gradient", "taylor_jvp")
class HalfTheGradientOfShift(Scale):
    """In the gradient and in the Jacobian alike: still adjoint to each other."""

    def _backward(self, dy, dld, y, cond, add_grad):
        def add_half(parameter, gradient):
            add_grad(parameter, gradient * (0.5 if parameter is self.b else 1.0))

        return super()._backward(dy, dld, y, cond, add_half)

    def _jacobian(self, dx, dcond, tangent, x, cond):
        def half(parameter):
            return tangent(parameter) * (0.5 if parameter is self.b else 1.0)

        return super()._jacobian(dx, dcond, half, x, cond)


@caught_by("dot_test", "dense_jacobian", "taylor_jvp")
class JacobianWithoutParameters(Scale):
    def _jacobian(self, dx, dcond, tangent, x, cond):
        def none(parameter):
            return np.zeros_like(parameter.data)

        return super()._jacobian(dx, dcond, none, x, cond)


@caught_by("dot_test", "dense_jacobian", "taylor_jvp")
class JacobianOfInverseMultiplies(Scale):
    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        dx, x, dld, ld = super()._jacobian_inv(dy, dcond, tangent, y, cond)
        return dx * self.scale(x) ** 2, x, dld, ld


@caught_by("dot_test", "gradient_entries", "backward_inv")
class GradientOfInverseWithoutSign(Scale):
    def _backward_inv(self, dx, dld, x, cond, add_grad):
        def unsigned(parameter, gradient):
            add_grad(parameter, -gradient if parameter is self.b else gradient)

        return super()._backward_inv(dx, dld, x, cond, unsigned)


@caught_by("dot_test", "backward_inv")
class GradientOfInverseMultiplies(Scale):
    def _backward_inv(self, dx, dld, x, cond, add_grad):
        dy, y, dcond = super()._backward_inv(dx, dld, x, cond, add_grad)
        return dy * self.scale(dy) ** 2, y, dcond


@caught_by("dot_test", "dense_jacobian", "taylor_gradient", cond_shape=SHAPE)
class ForgottenCondition(Shift):
    def _backward(self, dy, dld, y, cond, add_grad):
        dx, x, dcond = super()._backward(dy, dld, y, cond, add_grad)
        return dx, x, 0.0 * dcond


@caught_by("dot_test", "taylor_jvp", cond_shape=SHAPE)
class ForgottenConditionInJacobian(Shift):
    def _jacobian(self, dx, dcond, tangent, x, cond):
        return super()._jacobian(dx, 0.0 * dcond, tangent, x, cond)


@caught_by("vjp_matches_backward", "taylor_gradient", "gradient_entries")
class OwnBackward(Scale):
    """Overrides the public method and forgets the log-determinant there."""

    def backward(self, dy, y, cond=None):
        known, self.logdet = self.logdet, False
        out = super().backward(dy, y, cond)
        self.logdet = known
        return out


# --- data-dependent parameters --------------------------------------------------------


@caught_by("first_batch")
class InitialisedAgainAndAgain(ScaleFromData):
    def _initialize(self, x, cond, inverse):
        self.set_from(x)
        return super()._initialize(x, cond, inverse)


@caught_by("first_batch")
class InitialisedForwardOnly(ScaleFromData):
    def _initialize(self, x, cond, inverse):
        if not inverse:
            return super()._initialize(x, cond, inverse)
        n_channels = x.shape[1]
        self.s.data = np.ones(n_channels, x.dtype) * x.std()
        self.b.data = sum_but_channels(x)
        result = self._inverse(x, cond)[0]
        self.s.data = 2.0 * self.s.data
        return result


@caught_by("first_batch")
class InitialisedFromNaN(ScaleFromData):
    def _first_batch(self, x, cond, inverse):
        self._initialize(x, cond, inverse)


# --- samples --------------------------------------------------------------------------


@caught_by("batch_independent")
class MixedSamples(Scale):
    """Every sample also gets a little of the mean of the batch."""

    def _forward(self, x, cond):
        y, ld = super()._forward(x, cond)
        return y + 1e-6 * x.mean(axis=0), ld


@caught_by("batch_independent")
class MixedLogdets(Scale):
    def _forward(self, x, cond):
        y, ld = super()._forward(x, cond)
        return y, ld + per_sample(x, x.mean())


@caught_by("batch_independent")
class BatchOfOne(Scale):
    """Takes a single sample for one without batch axis."""

    def _inverse(self, y, cond):
        x, ld = super()._inverse(y, cond)
        return (x, ld) if len(y) > 1 else (x, 0.0 * ld)

    def log_abs_det(self, x, cond=None):
        ld = super().log_abs_det(x, cond)
        return ld if len(x) > 1 else 0.0 * ld
