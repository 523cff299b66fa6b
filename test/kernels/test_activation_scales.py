"""Activations as scales, and activations that overwrite their arguments."""

import numpy as np
import pytest

from invertiblenetworks.kernels import activations as act
from invertiblenetworks.kernels.activation_layers import (
    ExpClampLayer,
    GaLUlayer,
    IdentityLayer,
    LeakyReLUlayer,
    ReLUlayer,
    Sigmoid2Layer,
    SigmoidLayer,
    SoftplusLayer,
    TanhLayer,
)

POSITIVE = [
    ExpClampLayer(),
    ExpClampLayer(clamp=0.7),
    SigmoidLayer(),
    SigmoidLayer(low=0.5, high=3.0),
    Sigmoid2Layer(),
    SoftplusLayer(),
]
ELEMENTWISE = [
    *POSITIVE,
    IdentityLayer(),
    ReLUlayer(),
    LeakyReLUlayer(),
    LeakyReLUlayer(slope=3.0),
    TanhLayer(),
]

positive = pytest.mark.parametrize("activation", POSITIVE, ids=repr)
elementwise = pytest.mark.parametrize("activation", ELEMENTWISE, ids=repr)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])

STEP = 1e-5


# --- scales ---------------------------------------------------------------------------


@positive
def test_scale_is_the_value_and_its_logarithm(activation, rng, to_xp, to_numpy):
    x = to_xp(4 * rng.standard_normal((3, 7)))
    value, log_value = activation.scale(x)
    expected = to_numpy(activation.forward(x))
    np.testing.assert_allclose(to_numpy(value), expected, rtol=1e-14)
    np.testing.assert_allclose(
        to_numpy(log_value), np.log(expected), rtol=1e-13, atol=1e-14
    )


@positive
def test_log_derivative(activation, rng, to_xp, to_numpy):
    x = rng.standard_normal((3, 7))
    after, before = activation.forward(x + STEP), activation.forward(x - STEP)
    expected = (np.log(after) - np.log(before)) / (2 * STEP)
    on_device = to_xp(x)
    found = activation.log_derivative(on_device, activation.forward(on_device))
    np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-7)


@dtypes
@positive
def test_scales_keep_the_dtype_and_their_arguments(
    activation, dtype, rng, to_xp, to_numpy
):
    x = rng.standard_normal((3, 7)).astype(dtype)
    given = to_xp(x.copy())
    value, log_value = activation.scale(given)
    y = to_numpy(value).copy()
    slope = activation.log_derivative(given, value)
    assert {array.dtype for array in (value, log_value, slope)} == {np.dtype(dtype)}
    np.testing.assert_array_equal(to_numpy(given), x)
    np.testing.assert_array_equal(to_numpy(value), y)


@pytest.mark.parametrize("bound", [80.0, 1e4, 1e30])
@dtypes
@positive
def test_scales_of_huge_arguments(activation, dtype, bound, to_xp, to_numpy):
    """Neither overflow nor a warning, not even where a scale rounds to zero."""
    x = to_xp(np.array([[-bound, bound]], dtype=dtype))
    value, log_value = activation.scale(x)
    slope = activation.log_derivative(x, value)
    for array in (value, log_value, slope):
        assert np.isfinite(to_numpy(array)).all()
    assert (to_numpy(slope) >= 0).all()


def test_logarithm_where_a_sigmoid_rounds_to_zero(to_xp, to_numpy):
    x = to_xp(np.array([[-1e4, -200.0, 0.0, 200.0]], dtype="float32"))
    expected = [[-1e4 + np.log(2), -200.0 + np.log(2), 0.0, np.log(2)]]
    value, log_value = Sigmoid2Layer().scale(x)
    np.testing.assert_array_equal(to_numpy(value), [[0, 0, 1, 2]])
    np.testing.assert_allclose(to_numpy(log_value), expected, rtol=1e-6, atol=1e-7)


# --- in place -------------------------------------------------------------------------


@dtypes
@elementwise
def test_forward_in_place(activation, dtype, rng, xp, to_xp, to_numpy):
    x = to_xp(rng.standard_normal((3, 7)).astype(dtype))
    expected = to_numpy(activation.forward(x)).copy()
    state = xp.full((5, 9), 9.0, dtype)
    place = state[1:4, 2:]
    place[...] = x
    assert activation.forward_in_place(place) is place
    np.testing.assert_array_equal(to_numpy(place), expected)
    rest = to_numpy(state).copy()
    rest[1:4, 2:] = 9.0
    np.testing.assert_array_equal(rest, 9.0)


@dtypes
@elementwise
def test_vjp_in_place(activation, dtype, rng, xp, to_xp, to_numpy):
    x, dy = rng.standard_normal((2, 3, 7)).astype(dtype)
    y = activation.forward(to_xp(x))
    y_before = to_numpy(y).copy()
    expected = to_numpy(activation.vjp(to_xp(dy), y)).copy()
    place = xp.zeros((5, 9), dtype)[1:4, 2:]
    place[...] = to_xp(dy)
    assert activation.vjp_in_place(place, y) is place
    np.testing.assert_array_equal(to_numpy(place), expected)
    np.testing.assert_array_equal(to_numpy(y), y_before)


@elementwise
def test_in_place_nothing_waits(activation, to_xp, device_counters):
    x = to_xp(np.linspace(-2.0, 2.0, 6).reshape(2, 3))
    dy = x.copy()
    device_counters.reset()
    y = activation.forward_in_place(x)
    activation.vjp_in_place(dy, y)
    assert device_counters.read() == (0, 0, 0)


def test_galu_does_not_work_in_place():
    x = np.ones((2, 2, 3))
    wanted = "expected an activation that keeps the channels"
    with pytest.raises(NotImplementedError, match=f"forward_in_place: {wanted}"):
        GaLUlayer().forward_in_place(x)
    with pytest.raises(NotImplementedError, match=f"vjp_in_place: {wanted}"):
        GaLUlayer().vjp_in_place(x, x)


@pytest.mark.parametrize("slope", [0.01, 0.3, 1.0, 3.0])
def test_leaky_relu_is_exact_for_any_slope(slope, rng):
    """Choices without branches give the numbers that branches would give."""
    x, dy = rng.standard_normal((2, 50)).astype("float32")
    slope32 = np.float32(slope)
    np.testing.assert_array_equal(
        act.leaky_relu(x, slope), np.where(x >= 0, x, slope32 * x)
    )
    np.testing.assert_array_equal(
        act.leaky_relu_grad(dy, x, slope), np.where(x >= 0, dy, slope32 * dy)
    )


@pytest.mark.parametrize(
    "function",
    [act.relu, act.leaky_relu, act.sigmoid, act.exp_clamp, act.softplus],
    ids=lambda function: function.__name__,
)
def test_numbers_will_do(function):
    """Not only arrays with axes."""
    expected = function(np.array([0.3]))[0]
    assert function(np.float64(0.3)) == function(np.array(0.3)) == expected
