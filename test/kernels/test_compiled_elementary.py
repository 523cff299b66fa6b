"""Accuracy of the compiled scales and their logarithms, as couplings use them."""

from __future__ import annotations

import numpy as np
import pytest
from compiled_cases import PULLS, TRANSFORMS, exact, exact_scale, wide_range

from invertiblenetworks.kernels.activation_base import CompiledAs
from invertiblenetworks.kernels.activation_layers import (
    ExpClampLayer,
    Sigmoid2Layer,
    SigmoidLayer,
    SoftplusLayer,
)
from invertiblenetworks.kernels.activations import CLAMP_FACTOR
from invertiblenetworks.kernels.compiled import library

compiled = pytest.mark.usefixtures("compiled_library")
dtypes = pytest.mark.parametrize("dtype", ["float64", "float32"])
inverses = pytest.mark.parametrize("inverse", [False, True], ids=["map", "inverse"])


class ExponentialOfArctan(ExpClampLayer):
    """Without a factor, so that rounding of a factor is no error."""

    compiled_as = CompiledAs("exp_arctan", 1.0)


WITHOUT_FACTOR = ExponentialOfArctan()


def of_vectors(raw, inverse=False, activation=WITHOUT_FACTOR):
    """Scales and their logarithms, of a sample for each number."""
    p = np.stack([raw, np.zeros_like(raw)])
    y = np.empty((len(raw), 1), raw.dtype)
    ld = TRANSFORMS[inverse](activation, np.ones_like(y), p.T, y)
    return y[:, 0], ld


@compiled
@dtypes
def test_accuracy_of_the_logarithm(dtype):
    raw = wide_range(dtype)
    _, log_s = of_vectors(raw)
    wanted = np.arctan(exact(raw))
    error = np.abs(log_s - wanted) / np.spacing(np.abs(wanted).astype(dtype))
    assert error.max() <= 2
    np.testing.assert_array_equal(of_vectors(raw, inverse=True)[1], -log_s)
    np.testing.assert_array_equal(of_vectors(-raw)[1], -log_s)


@compiled
@dtypes
def test_accuracy_of_the_scale(dtype):
    """Of the logarithm as it was rounded, up to where it overflows and underflows."""
    for factor in (1, 40, 800):
        activation = ExpClampLayer(factor / CLAMP_FACTOR)
        raw = np.linspace(-30, 30, 40001).astype(dtype)
        s, log_s = of_vectors(raw, activation=activation)
        wanted = np.exp(exact(log_s))
        with np.errstate(over="ignore", under="ignore"):
            rounded = wanted.astype(dtype)
        finite = np.isfinite(rounded)
        np.testing.assert_array_equal(s[~finite], np.inf)
        error = np.abs(s - wanted)[finite] / np.spacing(rounded[finite])
        assert error.max() <= 1.6
        assert (s[rounded == 0] <= np.finfo(dtype).smallest_subnormal).all()
        if factor == 800:
            assert not finite.all()
            assert not s.all()


OTHERS = [SigmoidLayer(), Sigmoid2Layer(), SigmoidLayer(0.3, 1.7), SoftplusLayer()]


@compiled
@dtypes
@pytest.mark.parametrize("activation", OTHERS, ids=repr)
def test_accuracy_of_other_scales(activation, dtype):
    """Logarithms and their derivatives also where the scale rounds to 0."""
    raw = wide_range(dtype)
    raw = raw[abs(raw) < 1000]
    s, log_s = of_vectors(raw, activation=activation)
    wanted, log_wanted, terms, slope = exact_scale(activation, exact(raw))
    info, dx = np.finfo(dtype), np.empty((len(raw), 1), dtype)
    p, zero = np.stack([raw, np.zeros_like(raw)]), np.zeros_like(dx)
    dp = np.empty_like(p)
    one, rooms = np.ones(len(raw), dtype), (dx, dp.T, np.empty_like(dx))
    with np.errstate(invalid="ignore"):  # 0 / 0 of NumPy is not asked for
        PULLS[False](activation, zero, one, zero, p.T, *rooms)
    for found, sure, bound in (
        (s, wanted, abs(wanted)),
        (log_s, log_wanted, terms),
        (dp[0], slope, slope),
    ):
        allowed = 5 * (info.eps * bound + info.smallest_subnormal)
        assert (abs(found - sure) <= allowed).all()


@compiled
@dtypes
def test_logarithms_of_any_size(dtype):
    """Of scales that are all but constant, from the smallest numbers to large ones."""
    tiny = float(np.finfo(dtype).smallest_subnormal)
    near_one = 1 + np.finfo(dtype).eps * np.arange(-20, 20)
    lows = (tiny, 1001 * tiny, 1e-30, 1e30, *near_one, *np.linspace(0.4, 2.1, 200))
    for low in lows:
        activation = SigmoidLayer(low, 1.0000001 * low + tiny)
        s, log_s = of_vectors(np.full(3, -800.0, dtype), activation=activation)
        np.testing.assert_array_equal(s, np.array(low, dtype))
        error = abs(log_s - np.log(exact(s)))
        assert (error <= 2 * np.spacing(abs(log_s))).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@compiled
@dtypes
@inverses
@pytest.mark.parametrize("value", [1.0, -0.0, np.inf, np.nan])
@pytest.mark.parametrize(
    "activation", [ExpClampLayer(), ExpClampLayer(1000.0), *OTHERS], ids=repr
)
def test_extreme_values(activation, value, inverse, dtype, monkeypatch):
    """As NumPy has them, in whole vectors and in what is left at the end."""
    top = float(np.finfo(dtype).max)
    special = [0.0, -0.0, 1e-40, -1e-40, 1e-20, 1e30, -1e30, top, -top]
    special += [np.inf, -np.inf, np.nan, 1.0, -3.0]
    raw = np.tile(np.array(special, dtype), 4)[:53].reshape(1, 1, 53)
    x = np.full_like(raw, value)
    p = np.concatenate([raw, np.full_like(raw, 0.5)], axis=1)
    dld = np.full(1, 0.5, dtype)

    def run():
        y, results = np.empty_like(x), [np.empty_like(a) for a in (x, p, x)]
        TRANSFORMS[inverse](activation, x, p, y)
        PULLS[inverse](activation, x, dld, x, p, *results)
        # One sum of logarithms would hide all others: here each is by itself.
        return y, *results, of_vectors(raw[0, 0], inverse, activation)[1]

    found = run()
    monkeypatch.setattr(library, "compiled_kernels", lambda: None)
    # Rounding of log s shows in the scale.
    units = 4 + 2 * getattr(activation, "clamp", 0)
    rtol = units * np.finfo(dtype).eps
    tiny = units * np.finfo(dtype).smallest_subnormal
    for a, b in zip(found, run(), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=tiny)
