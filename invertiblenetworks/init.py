"""Initial values of parameters. Everything is drawn on the CPU, with a generator."""

from __future__ import annotations

import math

import numpy as np

from ._types import Rng, Shape
from .errors import message
from .parameter import Parameter

__all__ = ["as_rng", "constant", "float_type", "glorot_uniform", "uniform"]


def as_rng(rng: Rng | int | None) -> Rng:
    """Return a generator: the given one, one with the given seed, or a fresh one."""
    return rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)


def float_type(dtype: object, where: str) -> np.dtype:
    """Return ``dtype`` as float32 or float64; anything else is a ``TypeError``."""
    try:
        found = None if dtype is None else np.dtype(dtype)  # None would mean float64
    except TypeError:
        found = None
    if found is None or found not in (np.float32, np.float64):
        raise TypeError(
            message(where, "dtype to be 'float32' or 'float64'", repr(dtype))
        )
    return found


def glorot_uniform(
    shape: Shape,
    fan_in: int,
    fan_out: int,
    dtype: object = "float32",
    rng: Rng | None = None,
) -> Parameter:
    """Draw a parameter uniformly on ``(-a, a)``, ``a = sqrt(6 / (fan_in + fan_out))``.

    References
    ----------
    Glorot and Bengio (2010), Understanding the difficulty of training deep
    feedforward neural networks, section 4.2.1.
    """
    bound = math.sqrt(6.0 / (fan_in + fan_out))
    return uniform(shape, -bound, bound, dtype, rng)


def uniform(
    shape: Shape, low: float, high: float, dtype: object, rng: Rng | None
) -> Parameter:
    """Draw a parameter uniformly on ``(low, high)``."""
    # Made before the numbers are drawn in double precision: their memory is free later,
    # and would be a gap between the parameters of a deep network.
    values = np.empty(shape, dtype)
    values[...] = as_rng(rng).uniform(low, high, shape)
    return Parameter(values)


def constant(shape: Shape, value: float, dtype: object) -> Parameter:
    """Fill a parameter with one value."""
    return Parameter(np.full(shape, value, dtype))
