"""Compiled kernels that take two lines of an image at a time."""

from __future__ import annotations

import numpy as np
import pytest
from compiled_cases import arrays, kernel_of, results

from invertiblenetworks.kernels.activation_layers import IdentityLayer, ReLUlayer
from invertiblenetworks.kernels.compiled import library

compiled = pytest.mark.usefixtures("compiled_library", "n_parts")


@compiled
def test_rounding_errors_of_pairs_of_lines(rng):
    """Sums and differences of neighbours cost next to nothing."""
    parameters, x, dy = arrays((2, 6, 64, 12, (64, 64), 3), rng, "float32")
    exact = [p.astype("float64") for p in parameters]
    found = results(kernel_of(parameters, x, ReLUlayer(), 1), x, dy)
    x, dy = x.astype("float64"), dy.astype("float64")
    wanted = results(kernel_of(exact, x, ReLUlayer(), 1), x, dy)
    for a, b in zip(found, wanted, strict=True):
        assert np.linalg.norm(a - b) <= 8e-7 * np.linalg.norm(b)


def with_and_without(monkeypatch, parameters, x, dy, activation):
    found = results(kernel_of(parameters, x, activation, 1), x, dy)
    monkeypatch.setattr(library, "compiled_kernels", lambda: None)
    with np.errstate(invalid="ignore"):
        return found, results(kernel_of(parameters, x, activation, 1), x, dy)


@compiled
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("line", [4, 5])
def test_what_is_not_finite_is_where_it_is_in_numpy(line, value, rng, monkeypatch):
    """In a linear map, of either line of a pair: only inf may have become NaN."""
    parameters, x, dy = arrays((3, 2, 11, 9, (12, 16), 3), rng, "float64")
    x[1, 0, line, 5] = dy[2, 1, line, 15] = value
    phi = IdentityLayer()
    found, wanted = with_and_without(monkeypatch, parameters, x, dy, phi)
    for a, b in zip(found, wanted, strict=True):
        finite = np.isfinite(b)
        assert 0 < finite.sum() < b.size or len(b) != len(x)  # of gradients maybe none
        np.testing.assert_array_equal(np.isfinite(a), finite)
        np.testing.assert_allclose(a[finite], b[finite], rtol=1e-12, atol=1e-12)


@compiled
def test_what_relu_makes_of_infinities(rng, monkeypatch):
    """Differences of lines are NaN, and stay it where ReLU would make 0 of -inf."""
    parameters, x, dy = arrays((3, 2, 11, 9, (12, 16), 3), rng, "float64")
    parameters = [np.abs(p) for p in parameters]
    x[1, 0, 5, 5] = -np.inf
    found, wanted = with_and_without(monkeypatch, parameters, x, dy, ReLUlayer())
    near = np.zeros(dy.shape, bool)
    near[1, :, 3:7, 3:8] = True  # of the pair of lines 4 and 5
    for a, b in zip(found[:2], wanted[:2], strict=True):
        assert np.isfinite(b).all()
        np.testing.assert_array_equal(np.isnan(a), near)
        np.testing.assert_allclose(a[~near], b[~near], rtol=1e-12, atol=1e-12)
