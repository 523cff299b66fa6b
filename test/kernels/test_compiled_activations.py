"""Compiled smooth activations: accuracy, and numbers that are not ordinary."""

from __future__ import annotations

import numpy as np
import pytest
from compiled_cases import EXACT, exact, kernel_of, results, wide_range

from invertiblenetworks.kernels.activation_layers import (
    SigmoidLayer,
    SoftplusLayer,
    TanhLayer,
)
from invertiblenetworks.kernels.compiled import library
from invertiblenetworks.kernels.compiled.block import CompiledBlock

compiled = pytest.mark.usefixtures("compiled_library")
dtypes = pytest.mark.parametrize("dtype", ["float64", "float32"])

N_UNITS = 253  # a last block of rows that is not full


def logistic(x):
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


# Value and derivative of the output, in the precision of the argument.
FUNCTIONS = [
    (TanhLayer(), np.tanh, lambda y: (1 - y) * (1 + y)),
    (SigmoidLayer(), logistic, lambda y: y * (1 - y)),
    (SoftplusLayer(), softplus, lambda y: -np.expm1(-y)),
]
NAMES = ["tanh", "logistic", "softplus"]
functions = pytest.mark.parametrize(
    ("activation", "function", "derivative"), FUNCTIONS, ids=NAMES
)


def of_units(x, activation, is_compiled=True):
    """Values at x and derivatives there, as gradients of a block's single pixel.

    The second hidden state is its bias, which is x; so it is the gradient of the last
    weights, and its derivative that of the bias.
    """
    values, derivatives = [], []
    for b2 in np.array_split(x, -(-len(x) // N_UNITS)):
        zero, one = np.zeros((len(b2), 1), x.dtype), np.ones((len(b2), 1), x.dtype)
        w2 = -np.eye(len(b2), dtype=x.dtype)  # takes away what is added beside it
        parameters = [zero, zero[:, 0], w2, b2, one]
        pixel = np.ones((1, 1), x.dtype)
        kernel = kernel_of(parameters, pixel, activation, 0)
        assert (type(kernel) is CompiledBlock) == is_compiled
        _, _, _, _, _, _, db2, dw3 = results(kernel, pixel, pixel)
        values.append(dw3[:, 0])
        derivatives.append(db2)
    return np.concatenate(values), np.concatenate(derivatives)


@compiled
@dtypes
@functions
def test_accuracy(activation, function, derivative, dtype):
    """To three units in the last place, small values and derivatives too."""
    x = wide_range(dtype)
    y, dy = of_units(x, activation)
    with np.errstate(under="ignore"):
        wanted, slope = function(exact(x)), derivative(exact(y))
    tiny = np.finfo(dtype).smallest_subnormal
    for found, sure in ((y, wanted), (dy, slope)):
        unit = np.spacing(np.abs(sure).astype(dtype))
        assert np.isfinite(found).all()
        assert (np.abs(found - sure) <= 3 * np.maximum(unit, tiny)).all()


@compiled
@dtypes
def test_range_of_logistic(dtype):
    low, high = EXACT(-0.75), EXACT(2.5)
    x = np.linspace(-20, 20, 2001).astype(dtype)
    y, dy = of_units(x, SigmoidLayer(-0.75, 2.5))
    wanted = low + (high - low) * logistic(exact(x))
    slope = (exact(y) - low) * (high - y) / (high - low)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(y, wanted.astype(dtype), rtol=0, atol=4 * eps)
    np.testing.assert_allclose(dy, slope.astype(dtype), rtol=8 * eps, atol=eps)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@compiled
@dtypes
@functions
def test_extreme_arguments(activation, function, derivative, dtype, monkeypatch):
    """As NumPy has them."""
    info = np.finfo(dtype)
    positive = [0.0, info.smallest_subnormal, info.tiny, 1e-30, 89.0, 104.0, 746.0]
    positive += [1e30, info.max, np.inf, np.nan]
    x = np.array([*positive, *np.negative(positive)], dtype)
    found = of_units(x, activation)
    monkeypatch.setattr(library, "compiled_kernels", lambda: None)
    wanted = of_units(x, activation, is_compiled=False)
    rtol, atol = 4 * info.eps, 4 * info.smallest_subnormal
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


@compiled
def test_range_that_is_less_than_a_rounding():
    y, dy = of_units(
        np.linspace(-3, 3, 9, dtype="float32"), SigmoidLayer(1.0, 1 + 5e-8)
    )
    np.testing.assert_array_equal(y, 1)
    np.testing.assert_array_equal(dy, 0)
