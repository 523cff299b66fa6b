"""The formulas of the transformers, written out once more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from invertiblenetworks import (
    AdditiveTransformer,
    AffineTransformer,
    ReflectionTransformer,
)
from invertiblenetworks.kernels.activation_layers import (
    Activation,
    ExpClampLayer,
    Sigmoid2Layer,
    SigmoidLayer,
    SoftplusLayer,
)


@dataclass(frozen=True)
class Exponential(Activation):
    """What a user would write: it has neither a kernel nor a scale of its own."""

    positive = True

    def forward(self, x):
        return np.exp(x)

    def derivative(self, y):
        return y


def logistic(r):
    return 1 / (1 + np.exp(-r))


# The scale and the derivative of its logarithm.
SCALES = {
    ExpClampLayer(): (
        lambda r: np.exp(1.272 * np.arctan(r)),
        lambda r: 1.272 / (1 + r**2),
    ),
    ExpClampLayer(clamp=0.7): (
        lambda r: np.exp(0.4452 * np.arctan(r)),
        lambda r: 0.4452 / (1 + r**2),
    ),
    SigmoidLayer(): (logistic, lambda r: logistic(-r)),
    Sigmoid2Layer(): (lambda r: 2 * logistic(r), lambda r: logistic(-r)),
    SigmoidLayer(low=0.5, high=2.0): (
        lambda r: 0.5 + 1.5 * logistic(r),
        lambda r: 1.5 * logistic(r) * logistic(-r) / (0.5 + 1.5 * logistic(r)),
    ),
    SoftplusLayer(): (
        lambda r: np.log(1 + np.exp(r)),
        lambda r: logistic(r) / np.log(1 + np.exp(r)),
    ),
    Exponential(): (np.exp, np.ones_like),
}


def along_samples(v, like):
    return v.reshape((-1,) + (1,) * (like.ndim - 1))


class Affine:
    """``b2 = s b + t``."""

    def __init__(self, scale, log_derivative):
        self.scale, self.log_derivative = scale, log_derivative

    def parts(self, p):
        raw, shift = np.split(p, 2, axis=1)
        return self.scale(raw), self.log_derivative(raw), shift

    def forward(self, b, p):
        s, _, t = self.parts(p)
        return s * b + t, np.log(s).reshape(len(b), -1).sum(1)

    def inverse(self, b2, p):
        s, _, t = self.parts(p)
        return (b2 - t) / s, -np.log(s).reshape(len(b2), -1).sum(1)

    def backward(self, db2, dld, b2, p):
        s, log_derivative, t = self.parts(p)
        b = (b2 - t) / s
        draw = log_derivative * (s * db2 * b + along_samples(dld, b))
        return s * db2, np.concatenate([draw, db2], axis=1), b

    def backward_inv(self, db, dld, b, p):
        s, log_derivative, t = self.parts(p)
        draw = -log_derivative * (db * b + along_samples(dld, b))
        return db / s, np.concatenate([draw, -db / s], axis=1), s * b + t


class Signed:
    """``b2 = p + sign b``."""

    def __init__(self, sign):
        self.sign = sign

    def forward(self, b, p):
        return p + self.sign * b, np.zeros(len(b))

    def inverse(self, b2, p):
        return self.sign * (b2 - p), np.zeros(len(b2))

    def backward(self, db2, dld, b2, p):
        return self.sign * db2, db2, self.sign * (b2 - p)

    def backward_inv(self, db, dld, b, p):
        return self.sign * db, -self.sign * db, p + self.sign * b


CASES = [
    *((AffineTransformer(scale), Affine(*plain)) for scale, plain in SCALES.items()),
    (AdditiveTransformer(), Signed(1)),
    (ReflectionTransformer(), Signed(-1)),
]
IDS = [*map(repr, SCALES), "additive", "reflection"]


def operands(rng, transformer, method, dtype="float64", shape=(3, 2, 4, 5)):
    """Arguments of a method as NumPy arrays, without ``out``."""
    n_params = transformer.params_per_channel * shape[1]
    b, db = rng.standard_normal((2, *shape)).astype(dtype)
    p = rng.standard_normal((shape[0], n_params, *shape[2:])).astype(dtype)
    if "backward" not in method:
        return b, p
    return db, rng.standard_normal(shape[0]).astype(dtype), b, p
