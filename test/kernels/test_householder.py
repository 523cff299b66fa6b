"""Orthogonal mixing of channels by Householder reflections."""

import numpy as np
import pytest

from invertiblenetworks.kernels import householder as hh

COUNTS = [(0, 3), (1, 4), (2, 4), (3, 1), (3, 2), (3, 5), (7, 4)]
counts = pytest.mark.parametrize(("m", "k"), COUNTS, ids=str)
SPATIAL = [(), (1, 1), (7,), (4, 3), (2, 3, 2)]
spatials = pytest.mark.parametrize("spatial", SPATIAL, ids=str)

# Three vectors whose matrix swaps two channels.
SWAP = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def dense_matrix(v):
    q = np.eye(v.shape[1])
    for v_i in v:
        q = q @ (np.eye(v.shape[1]) - 2 * np.outer(v_i, v_i) / np.dot(v_i, v_i))
    return q


def test_values_by_hand(to_xp, to_numpy):
    q = to_numpy(hh.householder_matrix(to_xp(SWAP)))
    np.testing.assert_allclose(q, [[0, 1], [1, 0]], atol=1e-15)
    x, dy = to_xp(np.array([[1.0, 2.0]])), to_xp(np.array([[1.0, 0.0]]))
    gradient = hh.householder_adjoint(to_xp(SWAP), hh.channel_gram(x, dy))
    np.testing.assert_allclose(to_numpy(gradient), [[0, -2], [-2, 0], [1, -1]])


@counts
def test_matrix_is_the_product_of_the_reflections(m, k, rng, to_xp, to_numpy):
    v = rng.standard_normal((m, k))
    q = to_numpy(hh.householder_matrix(to_xp(v)))
    np.testing.assert_allclose(q, dense_matrix(v), atol=1e-14)
    np.testing.assert_allclose(q @ q.T, np.eye(k), atol=1e-14)
    assert np.linalg.det(q) == pytest.approx((-1) ** m)


@counts
def test_tangent(m, k, rng, to_xp, to_numpy):
    v, dv = rng.standard_normal((2, m, k))
    q, dq = hh.householder_tangent(to_xp(v), to_xp(dv))
    step = 1e-6
    expected = (dense_matrix(v + step * dv) - dense_matrix(v - step * dv)) / (2 * step)
    np.testing.assert_allclose(to_numpy(q), dense_matrix(v), atol=1e-14)
    np.testing.assert_allclose(to_numpy(dq), expected, atol=2e-8)


@counts
def test_adjoint_is_the_adjoint_of_the_tangent(m, k, rng, to_xp, to_numpy):
    v, dv = rng.standard_normal((2, m, k))
    g = rng.standard_normal((k, k))
    _, dq = hh.householder_tangent(to_xp(v), to_xp(dv))
    gradient = to_numpy(hh.householder_adjoint(to_xp(v), to_xp(g)))
    assert gradient.shape == (m, k)
    tangent_side = np.vdot(g, to_numpy(dq))
    assert np.vdot(gradient, dv) == pytest.approx(tangent_side, abs=1e-12)
    np.testing.assert_allclose((gradient * v).sum(axis=1), 0, atol=1e-13)


def test_adjoint_by_differences(rng):
    v, g = rng.standard_normal((3, 4)), rng.standard_normal((4, 4))
    gradient = hh.householder_adjoint(v, g)
    for i, j in np.ndindex(v.shape):
        step = np.zeros_like(v)
        step[i, j] = 1e-6
        slope = np.vdot(g, dense_matrix(v + step) - dense_matrix(v - step)) / 2e-6
        assert gradient[i, j] == pytest.approx(slope, abs=1e-7)


@spatials
def test_mix_channels(spatial, rng, to_xp, to_numpy):
    q, x = rng.standard_normal((3, 3)), rng.standard_normal((2, 3, *spatial))
    y = to_numpy(hh.mix_channels(to_xp(q), to_xp(x)))
    assert y.shape == x.shape
    for n in range(2):
        for pixel in np.ndindex(*spatial):
            here = (n, slice(None), *pixel)
            np.testing.assert_allclose(y[here], q @ x[here], rtol=1e-12)


@spatials
def test_gram_is_the_adjoint_of_mixing(spatial, rng, to_xp, to_numpy):
    """The sum of dy (dq x) over everything is the sum of gram(dy, x) dq."""
    dq = rng.standard_normal((3, 3))
    x, dy = rng.standard_normal((2, 2, 3, *spatial))
    gram = to_numpy(hh.channel_gram(to_xp(dy), to_xp(x)))
    dy_flat, x_flat = dy.reshape(2, 3, -1), x.reshape(2, 3, -1)
    dense = sum(dy_flat[n] @ x_flat[n].T for n in range(2))
    np.testing.assert_allclose(gram, dense, rtol=1e-12, atol=1e-12)
    y_tangent = to_numpy(hh.mix_channels(to_xp(dq), to_xp(x)))
    assert np.vdot(dy, y_tangent) == pytest.approx(np.vdot(gram, dq))


def test_gradient_of_the_whole_map(rng):
    """Vectors to output, as a layer uses it: y = Q^T x, G = gram(x, dy)."""
    v, x = rng.standard_normal((3, 4)), rng.standard_normal((2, 4, 3, 2))
    dv, dy = rng.standard_normal((3, 4)), rng.standard_normal(x.shape)

    def objective(v):
        return np.vdot(dy, hh.mix_channels(hh.householder_matrix(v).T, x))

    gradient = hh.householder_adjoint(v, hh.channel_gram(x, dy))
    slope = (objective(v + 1e-6 * dv) - objective(v - 1e-6 * dv)) / 2e-6
    assert np.vdot(gradient, dv) == pytest.approx(slope, rel=1e-7)


def test_the_length_of_a_vector_does_not_matter(rng):
    v = rng.standard_normal((3, 4))
    scaled = v * np.array([[1e-3], [1.0], [1e3]])
    np.testing.assert_allclose(
        hh.householder_matrix(scaled), hh.householder_matrix(v), atol=1e-14
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_kept(dtype, rng, to_xp):
    v = to_xp(rng.standard_normal((3, 4)).astype(dtype))
    x = to_xp(rng.standard_normal((2, 4, 5)).astype(dtype))
    q = hh.householder_matrix(v)
    gram = hh.channel_gram(x, x)
    wide_gram = hh.channel_gram(x[:, :, :2], x[:, :, :2])
    results = [q, *hh.householder_tangent(v, v), hh.householder_adjoint(v, gram)]
    results += [hh.mix_channels(q, x), gram, wide_gram]
    assert [r.dtype for r in results] == [np.dtype(dtype)] * len(results)


def test_strides_do_not_matter_and_inputs_are_untouched(rng):
    v, dv, g = (rng.standard_normal((4, 4)).T for _ in range(3))
    x, dy = (rng.standard_normal((5, 3, 4, 2)).transpose(3, 2, 1, 0) for _ in range(2))
    arguments = (v, dv, g, x, dy)
    before = [a.copy() for a in arguments]

    def results(v, dv, g, x, dy):
        yield hh.householder_matrix(v)
        yield from hh.householder_tangent(v, dv)
        yield hh.householder_adjoint(v, g)
        yield hh.mix_channels(g, x)
        yield hh.channel_gram(x, dy)

    for strided, plain in zip(results(*arguments), results(*before), strict=True):
        np.testing.assert_allclose(strided, plain, rtol=1e-12, atol=1e-13)
    for argument, old in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(argument, old)


def test_nothing_waits_for_the_device(rng, to_xp, device_counters):
    v = to_xp(rng.standard_normal((3, 4)))
    x = to_xp(rng.standard_normal((2, 4, 5)))
    device_counters.reset()
    q, _ = hh.householder_tangent(v, v)
    y = hh.mix_channels(hh.householder_matrix(v).T, x)
    hh.householder_adjoint(v, hh.channel_gram(x, y))
    hh.householder_adjoint(v, hh.channel_gram(x[:, :, :1], y[:, :, :1]) @ q)
    assert device_counters.read() == (0, 0, 0)
