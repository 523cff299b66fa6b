"""What the tests of optimisers share: parameters, gradients, one of each kind."""

import numpy as np

from invertiblenetworks import Parameter
from invertiblenetworks.optim import ADAM, SGD

SHAPES = [(3, 4), (5,), (2, 1, 3)]
OPTIMISERS = {
    "adam": lambda **options: ADAM(0.1, **options),
    "sgd": lambda **options: SGD(0.1, **options),
    "momentum": lambda **options: SGD(0.1, 0.9, **options),
}


def parameters(rng, to_xp, dtype="float64"):
    return [Parameter(to_xp(rng.normal(size=s).astype(dtype))) for s in SHAPES]


def give_gradients(params, rng, to_xp):
    """Set random gradients, and return them as NumPy arrays."""
    gradients = [rng.normal(size=p.shape).astype(p.dtype) for p in params]
    for p, gradient in zip(params, gradients, strict=True):
        p.clear_grad()
        p.accumulate(to_xp(gradient))
    return gradients


def values(params, to_numpy):
    return [to_numpy(p.data).copy() for p in params]


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def give_and_step(opt, params, rng, to_xp):
    """Set random gradients, make one step, and return the gradients."""
    gradients = give_gradients(params, rng, to_xp)
    opt.step(params)
    return gradients
