"""The tools that the checks of ``invertiblenetworks.testing`` are made with."""

from __future__ import annotations

import numpy as np
import pytest

import invertiblenetworks as inn
from invertiblenetworks.testing import (
    Case,
    central_differences,
    dense_matrix,
    numeric,
    prepare,
    taylor_order,
)
from invertiblenetworks.testing.measured import Measured
from invertiblenetworks.testing.pairs import as_one
from invertiblenetworks.testing.snapshot import changes, snapshot

# --- values ---------------------------------------------------------------------------


def nested(rng):
    """A value with everything that occurs: arrays, ``None``, tuples and lists."""
    return rng.random((2, 3)), [rng.random(2), None], rng.random(())


def test_vectors_and_back(rng):
    value = nested(rng)
    vector = numeric.as_vector(value)
    assert vector.shape == (9,)
    again = numeric.from_vector(vector, value)
    assert isinstance(again[1], list)
    assert again[1][1] is None
    assert numeric.relative_error(again, value) == 0.0
    assert numeric.inner(value, value) == pytest.approx(numeric.norm(value) ** 2)
    doubled = numeric.add_scaled(value, 1.0, value)
    np.testing.assert_allclose(numeric.as_vector(doubled), 2.0 * vector)


def test_values_stay_in_their_kind(rng, xp, to_xp):
    single = to_xp(np.ones((2, 2), "float32"))
    for value in (
        numeric.random_like(single, rng),
        numeric.zeros_like(single),
        numeric.add_scaled(single, 0.5, single),
        numeric.from_vector(np.arange(4.0), single),
    ):
        assert isinstance(value, xp.ndarray)
        assert value.dtype == np.float32


def test_relative_error():
    a = np.array([1.0, -100.0])
    assert numeric.relative_error(a + 1.0, a) == pytest.approx(0.01)
    assert numeric.relative_error(np.array([0.1]), np.zeros(1)) == pytest.approx(0.1)
    assert numeric.relative_error(np.zeros(3), np.zeros(2)) == np.inf
    assert numeric.relative_error((a, a), a) == np.inf
    assert np.isnan(numeric.relative_error(np.array([np.nan]), np.zeros(1)))
    assert numeric.relative_error([], []) == 0.0


# --- orders, matrices, differences ----------------------------------------------------


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0])
def test_taylor_order(order):
    fit = taylor_order(lambda h: 7.0 * h**order)
    assert fit.order == pytest.approx(order)
    assert len(str(fit).splitlines()) == len(fit.steps) + 2


def test_taylor_order_of_rounding_and_of_nonsense():
    assert taylor_order(lambda h: 1e-16, rounding=1e-13).order == np.inf
    assert np.isnan(taylor_order(lambda h: 0.0 if h < 1e-3 else 1.0).order)
    assert np.isnan(taylor_order(lambda h: float("nan")).order)


def test_taylor_order_tells_a_wrong_derivative():
    f, x = np.exp, 0.3

    def fit(slope):
        return taylor_order(lambda h: abs(f(x + h) - f(x) - h * slope)).order

    assert fit(f(x)) == pytest.approx(2.0, abs=0.02)
    assert fit(1.001 * f(x)) < 1.9


def test_dense_matrix_and_its_adjoint(rng):
    matrix = rng.standard_normal((3, 4))
    like = (np.zeros(1), np.zeros((3, 1)))

    def apply(value):
        return matrix @ numeric.as_vector(value)

    np.testing.assert_allclose(dense_matrix(apply, like), matrix)
    np.testing.assert_allclose(dense_matrix(apply, like, [2, 0]), matrix[:, [2, 0]])


def test_central_differences(rng):
    x = (rng.standard_normal(3), rng.standard_normal((2, 2)))

    def function(value):
        return float(np.sin(numeric.as_vector(value)).sum())

    wanted = np.cos(numeric.as_vector(x))
    np.testing.assert_allclose(central_differences(function, x), wanted, atol=1e-9)
    some = central_differences(function, x, [5, 1])
    np.testing.assert_allclose(some, wanted[[5, 1]], atol=1e-9)


# --- what checks are made with --------------------------------------------------------


def test_measured():
    found = Measured()
    found.at_most("error", 1e-14, 1e-12)
    found.at_most("error", 1e-15, 1e-12)
    found.holds("fine", True)
    assert str(found) == "error 1.0e-14 <= 1e-12; fine"
    with pytest.raises(AssertionError, match=r"^error: 2\.00e-12, should be at most"):
        found.at_most("error", 2e-12, 1e-12)
    with pytest.raises(AssertionError, match="nan"):
        found.at_most("error", float("nan"), 1e-12)
    with pytest.raises(AssertionError, match=r"^violated: fine. It is not."):
        found.holds("fine", False, "It is not")


def test_snapshot_looks_everywhere(rng):
    layer = inn.CouplingLayerGlow(2, 2, rng=rng)
    before = snapshot(layer)
    assert changes(before, snapshot(layer)) == []
    conv, coupling = layer.layers
    conv.v[1].data[0] += 1.0
    coupling.net.b1.grad = coupling.net.b1.data
    coupling.transformer.memory = {"last": rng.random(2)}
    assert changes(before, snapshot(layer)) == [
        "layers.0.v.1.data",
        "layers.1.net.b1.grad",
        "layers.1.transformer.memory",
        "layers.1.transformer.memory.last",
    ]


def test_prepared_layers_are_the_same_on_every_dtype_and_far_from_the_identity():
    case = Case(
        "c",
        lambda f: inn.CouplingLayerGlow(2, 2, dtype=f.dtype, rng=f.rng),
        (2, 2, 4, 4),
    )
    double, single = prepare(case), prepare(case, dtype="float32")
    assert single.x.dtype == np.float32
    np.testing.assert_allclose(single.x, double.x, rtol=1e-6)
    for a, b in zip(single.layer.get_params(), double.layer.get_params(), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-6, atol=1e-7)
        assert np.all(b.data != 0.0)
    assert np.all(np.abs(double.api.log_abs_det(double.x)) > 1e-3)


def test_pairs_as_one(rng):
    layer = inn.CouplingLayerBasic(1, 2, k1=1, p1=0, ndims=1, dtype="float64", rng=rng)
    x = rng.random((2, 1, 3)), rng.random((2, 1, 3))
    api = as_one(layer)
    assert as_one(inn.Swap()) is not None
    np.testing.assert_array_equal(api.forward(x), layer.forward(*x))
    layer.logdet = True
    (y1, y2), logdet = api.forward(x)
    assert logdet == layer.forward(*x)[2]
    (dx1, dx2), (x1, x2) = api.backward((y1, y2), (y1, y2))
    np.testing.assert_array_equal((dx1, dx2, x1, x2), layer.backward(y1, y2, y1, y2))
    pulled, dtheta, state = api.adjoint_jacobian((y1, y2), (y1, y2))
    assert [len(pulled), len(dtheta), len(state)] == [2, 5, 2]
