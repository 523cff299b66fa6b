"""Facts about Conv1x1 beyond the contract."""

import tracemalloc

import numpy as np
import pytest

from invertiblenetworks import Conv1x1


def example_with_known_gradients():
    return Conv1x1(np.array([1.0, 0]), np.array([0, 1.0]), np.array([1.0, 1.0]))


def test_gradients_worked_out_by_hand(to_xp, to_numpy, layer_to_xp):
    x, dy = to_xp(np.array([[[1.0], [2.0]]])), to_xp(np.array([[[1.0], [0.0]]]))
    layer = layer_to_xp(example_with_known_gradients())
    y = layer.forward(x)
    np.testing.assert_allclose(to_numpy(y).ravel(), [2.0, 1.0], atol=1e-15)
    layer.backward(dy, y)
    found = np.stack([to_numpy(g) for g in layer.get_grads()])
    np.testing.assert_allclose(found, [[0, -2], [-2, 0], [1, -1]], atol=1e-14)


@pytest.mark.parametrize("n_reflections", [1, 2, 3, 8])
def test_matrix_is_orthogonal_with_the_sign_of_the_reflections(n_reflections):
    layer = Conv1x1(6, n_reflections=n_reflections, dtype="float64", rng=1)
    q = layer.forward(np.eye(6))
    np.testing.assert_allclose(q @ q.T, np.eye(6), atol=1e-14)
    np.testing.assert_allclose(np.linalg.det(q), (-1) ** n_reflections, rtol=1e-12)


def test_as_many_reflections_as_channels_reach_any_reflection_of_that_sign(rng):
    # Householder's QR factorisation, signs fixed, writes any orthogonal matrix so.
    target = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    rest, vectors = target.copy(), []
    for i in range(4):
        v = rest[:, i].copy()
        v[:i] = 0.0
        unit = np.eye(4)[i]
        w = v - unit * np.linalg.norm(v)
        if np.linalg.norm(w) > 1e-12:
            vectors.append(w)
            rest = rest - 2 * np.outer(w, w @ rest) / (w @ w)
    found = Conv1x1(*vectors).forward(np.eye(4))
    np.testing.assert_allclose(found @ found.T, np.eye(4), atol=1e-13)
    np.testing.assert_allclose(found, target @ rest.T, atol=1e-12)


def test_frozen_layer_gets_no_gradient(to_xp, layer_to_xp, rng):
    x = to_xp(rng.normal(size=(2, 4, 3)))
    layer = layer_to_xp(Conv1x1(4, freeze=True, dtype="float64", rng=0))
    layer.backward(x, layer.forward(x))
    assert layer.get_grads() == [None, None, None]


def test_gradient_memory_is_quadratic_in_the_channels():
    k = 160
    layer, x = Conv1x1(k, dtype="float64", rng=0), np.ones((1, k, 1))
    y = layer.forward(x)
    tracemalloc.start()
    layer.backward(x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * 8 * k**2  # a single k^3 array would take 160 times k^2


def test_vectors_are_checked():
    with pytest.raises(ValueError, match="Conv1x1: expected vectors of one length"):
        Conv1x1(np.ones(3), np.ones(2))
    with pytest.raises(TypeError, match="Conv1x1: expected vectors as arrays"):
        Conv1x1(np.ones(3), [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="Conv1x1: expected k"):
        Conv1x1(0)
