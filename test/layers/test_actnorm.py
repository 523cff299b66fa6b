"""Facts about ActNorm beyond the contract."""

import numpy as np
import pytest

from invertiblenetworks import ActNorm, NotInitializedError, reverse


def test_values_worked_out_by_hand(to_xp, layer_to_xp, to_numpy):
    x = to_xp(np.arange(1.0, 5.0).reshape(1, 1, 2, 2))
    layer = layer_to_xp(ActNorm(1, logdet=True, dtype="float64"))
    _, logdet = layer.forward(x)
    np.testing.assert_allclose(to_numpy(layer.s.data), [0.7745967], atol=1e-7)
    np.testing.assert_allclose(to_numpy(layer.b.data), [-1.9364917], atol=1e-7)
    np.testing.assert_allclose(float(logdet), -1.0216512, atol=1e-7)


@pytest.mark.parametrize("spatial", [(), (5,), (3, 4), (2, 3, 2)])
@pytest.mark.parametrize("inverse", [False, True])
def test_first_batch_is_normalised_in_the_direction_called_first(
    rng, to_xp, layer_to_xp, to_numpy, spatial, inverse
):
    x = to_xp(rng.normal(3.0, 5.0, (9, 4, *spatial)))
    layer = layer_to_xp(ActNorm(4, dtype="float64"))
    y = to_numpy(layer.inverse(x) if inverse else layer.forward(x))
    axes = (0, *range(2, y.ndim))
    np.testing.assert_allclose(y.mean(axes), 0.0, atol=1e-12)
    np.testing.assert_allclose(y.var(axes, ddof=1), 1.0, rtol=1e-12)


def test_second_batch_changes_nothing(rng, to_xp, layer_to_xp, to_numpy):
    layer = layer_to_xp(ActNorm(2, dtype="float64"))
    layer.forward(to_xp(rng.normal(size=(3, 2, 4))))
    before = to_numpy(layer.s.data).copy()
    layer.forward(to_xp(rng.normal(7.0, 3.0, (3, 2, 4))))
    np.testing.assert_array_equal(to_numpy(layer.s.data), before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_constant_channel_is_shifted_and_keeps_its_scale(
    rng, to_xp, layer_to_xp, to_numpy, dtype, value
):
    x = rng.normal(size=(4, 2, 5)).astype(dtype)
    x[:, 1] = value
    layer = layer_to_xp(ActNorm(2, dtype=dtype))
    y = to_numpy(layer.forward(to_xp(x)))
    assert np.isfinite(y).all()
    assert to_numpy(layer.s.data)[1] == 1.0
    np.testing.assert_allclose(y[:, 1], 0.0, atol=1e-6 * max(value, 1.0))


def test_single_value_gives_finite_parameters(to_xp, layer_to_xp, to_numpy):
    layer = layer_to_xp(ActNorm(1, dtype="float64"))
    y = layer.forward(to_xp(np.full((1, 1, 1), 3.0)))
    assert to_numpy(y).ravel() == [0.0]


def test_reverse_initialises_the_layer_it_shares(rng, to_xp, layer_to_xp, to_numpy):
    layer = layer_to_xp(ActNorm(3, dtype="float64"))
    y = to_numpy(reverse(layer).forward(to_xp(rng.normal(2.0, 3.0, (5, 3, 4)))))
    assert layer.initialized
    np.testing.assert_allclose(y.mean((0, 2)), 0.0, atol=1e-12)


def test_gradients_need_a_batch_first(to_xp, layer_to_xp):
    layer, x = layer_to_xp(ActNorm(3, dtype="float64")), to_xp(np.ones((2, 3, 4)))
    for call in (
        lambda: layer.backward(x, x),
        lambda: layer.backward_inv(x, x),
        lambda: layer.jacobian(x, None, x),
        lambda: layer.adjoint_jacobian(x, x),
        lambda: layer.log_abs_det(x),
    ):
        with pytest.raises(NotInitializedError, match=r"ActNorm\.\w+: expected"):
            call()
    assert not layer.initialized


def test_not_finite_first_batch_is_refused_and_nothing_set(to_xp, layer_to_xp):
    x = np.ones((2, 3, 4))
    x[0, 0, 0] = np.nan
    layer = layer_to_xp(ActNorm(3, dtype="float64"))
    with pytest.raises(ValueError, match=r"ActNorm\.initialize: expected finite"):
        layer.forward(to_xp(x))
    assert not layer.initialized
