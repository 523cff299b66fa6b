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


@compiled
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_in_pairs_of_lines(value, rng, monkeypatch):
    """It stays not finite, and one line more may be so on either side of a window."""
    parameters, x, dy = arrays((3, 2, 11, 9, (12, 16), 3), rng, "float64")
    x[1, 0, 5, 5] = value
    phi = IdentityLayer()
    found = results(kernel_of(parameters, x, phi, 1), x, dy)
    monkeypatch.setattr(library, "compiled_kernels", lambda: None)
    with np.errstate(invalid="ignore"):
        wanted = results(kernel_of(parameters, x, phi, 1), x, dy)
    beside = np.ones(dy.shape, bool)
    beside[1, :, 3:9, 3:8] = False
    for a, b in zip(found[:2], wanted[:2], strict=True):
        assert not np.isfinite(a[~np.isfinite(b)]).any()
        np.testing.assert_allclose(a[beside], b[beside], rtol=1e-12, atol=1e-12)
