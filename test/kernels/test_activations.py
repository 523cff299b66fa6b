"""Activation functions: values, inverses, gradients."""

import numpy as np
import pytest

from invertiblenetworks.kernels import activations as act
from invertiblenetworks.kernels import parts
from invertiblenetworks.kernels.activation_layers import (
    Activation,
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

INVERTIBLE = [
    IdentityLayer(),
    LeakyReLUlayer(),
    LeakyReLUlayer(slope=0.3),
    SigmoidLayer(),
    SigmoidLayer(low=0.5, high=1.0),
    SigmoidLayer(low=-1.0, high=3.0),
    Sigmoid2Layer(),
    ExpClampLayer(),
    ExpClampLayer(clamp=0.7),
    TanhLayer(),
    SoftplusLayer(),
]
ELEMENTWISE = [ReLUlayer(), *INVERTIBLE]
ALL = [*ELEMENTWISE, GaLUlayer()]

invertible = pytest.mark.parametrize("activation", INVERTIBLE, ids=repr)
elementwise = pytest.mark.parametrize("activation", ELEMENTWISE, ids=repr)
every = pytest.mark.parametrize("activation", ALL, ids=repr)

# Kept away from the kink at 0, where central differences mean nothing.
POINTS = np.array([[-3.0, -1.1, -0.2, 0.1, 0.7, 2.5]])
STEP = 1e-6


def central_difference(f, x, dx):
    return (f(x + STEP * dx) - f(x - STEP * dx)) / (2 * STEP)


# --- values ---------------------------------------------------------------------------


def at_one(function, *options):
    return function(np.ones(1), *options)[0]


def test_values_by_hand():
    assert at_one(act.sigmoid) == pytest.approx(0.7310586, abs=1e-7)
    assert at_one(act.sigmoid, 0.5, 1.0) == pytest.approx(0.8655293, abs=1e-7)
    assert at_one(act.exp_clamp) == pytest.approx(2.7156368, abs=1e-7)
    assert at_one(act.softplus) == pytest.approx(np.log(1 + np.e))


@pytest.mark.parametrize(
    ("activation", "formula"),
    [
        (IdentityLayer(), lambda x: x),
        (ReLUlayer(), lambda x: x * (x > 0)),
        (LeakyReLUlayer(0.2), lambda x: np.maximum(x, 0) + 0.2 * np.minimum(x, 0)),
        (SigmoidLayer(-2, 3), lambda x: 3 / (1 + np.exp(-x)) - 2 / (1 + np.exp(x))),
        (Sigmoid2Layer(), lambda x: 2 / (1 + np.exp(-x))),
        (ExpClampLayer(1.5), lambda x: np.exp(1.5 * 0.636 * np.arctan(x))),
        (TanhLayer(), lambda x: (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1)),
        (SoftplusLayer(), lambda x: np.log(1 + np.exp(x))),
    ],
    ids=lambda value: repr(value) if isinstance(value, Activation) else "",
)
def test_forward_is_the_formula(activation, formula, to_xp, to_numpy):
    y = to_numpy(activation.forward(to_xp(POINTS)))
    np.testing.assert_allclose(y, formula(POINTS), rtol=1e-13, atol=1e-13)


def test_galu_gates_the_first_half_by_the_second(rng, to_xp, to_numpy):
    x = rng.standard_normal((2, 6, 3))
    expected = x[:, :3] / (1 + np.exp(-x[:, 3:]))
    y = to_numpy(act.galu(to_xp(x)))
    np.testing.assert_allclose(y, expected, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@elementwise
def test_huge_arguments_neither_overflow_nor_warn(activation, dtype, to_xp, to_numpy):
    x = to_xp(np.array([[-1e4, -800.0, 800.0, 1e4]], dtype=dtype))
    y = activation.forward(x)
    assert np.isfinite(to_numpy(y)).all()
    assert np.isfinite(to_numpy(activation.derivative(y))).all()


def test_sigmoid_keeps_relative_accuracy_near_zero(to_xp, to_numpy):
    x = np.array([-80.0, -20.0], dtype="float32")
    y = to_numpy(act.sigmoid(to_xp(x)))
    np.testing.assert_allclose(y, np.exp(x.astype(float)), rtol=1e-5)


# --- inverses -------------------------------------------------------------------------


@invertible
def test_inverse_both_ways(activation, to_xp, to_numpy):
    x = to_xp(POINTS)
    y = activation.forward(x)
    again = activation.inverse(y)
    np.testing.assert_allclose(to_numpy(again), POINTS, rtol=1e-12)
    np.testing.assert_allclose(
        to_numpy(activation.forward(again)), to_numpy(y), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("activation", "outside"),
    [
        (SigmoidLayer(), 0.0),
        (SigmoidLayer(), 1.0),
        (SigmoidLayer(low=0.5), 0.4),
        (Sigmoid2Layer(), 2.0),
        (ExpClampLayer(), 0.0),
        (ExpClampLayer(), np.exp(2.0)),
        (ExpClampLayer(), np.exp(-2.0)),
        (TanhLayer(), -1.0),
        (SoftplusLayer(), 0.0),
        (SoftplusLayer(), np.nan),
    ],
    ids=repr,
)
def test_inverse_refuses_what_is_out_of_range(activation, outside):
    y = np.full((1, 2), outside)
    with pytest.raises(ValueError, match="_inv: expected all values in the open"):
        activation.inverse(y)
    y[0, 0] = np.nan_to_num(activation.forward(np.ones(1))[0])
    with pytest.raises(ValueError, match="got values from"):
        activation.inverse(y)


def test_inverse_accepts_an_empty_array():
    assert act.sigmoid_inv(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("activation", [ReLUlayer(), GaLUlayer()], ids=repr)
def test_no_inverse(activation):
    name = type(activation).__name__
    with pytest.raises(NotImplementedError, match=f"{name}.inverse: expected an inv"):
        activation.inverse(np.ones((1, 2)))


# --- gradients ------------------------------------------------------------------------


@elementwise
def test_derivative_and_vjp_from_the_output(activation, rng, to_xp, to_numpy):
    expected = central_difference(activation.forward, POINTS, np.ones(POINTS.shape))
    y = activation.forward(to_xp(POINTS))
    derivative = to_numpy(activation.derivative(y))
    np.testing.assert_allclose(derivative, expected, rtol=1e-8, atol=1e-9)

    dy = rng.standard_normal(POINTS.shape)
    vjp = to_numpy(activation.vjp(to_xp(dy), y))
    np.testing.assert_allclose(vjp, dy * derivative, rtol=1e-14)


def test_derivatives_at_the_kink():
    dy, zero = np.ones(2), np.array([0.0, -0.0])
    np.testing.assert_array_equal(act.relu_grad(dy, zero), 0)
    np.testing.assert_array_equal(ReLUlayer().derivative(zero), 0)
    np.testing.assert_array_equal(act.leaky_relu_grad(dy, zero, 0.1), 1)


def test_sigmoid_gradient_where_the_function_saturates():
    y = np.array([0.0, 1.0])
    np.testing.assert_array_equal(act.sigmoid_grad(np.ones(2), y), 0)


def test_galu_jacobian_and_its_adjoint(rng, to_xp, to_numpy):
    x, dx = rng.standard_normal((2, 2, 4, 3))
    dy = rng.standard_normal((2, 2, 3))
    tangent, y = act.galu_jacobian(to_xp(dx), to_xp(x))
    expected = central_difference(act.galu, x, dx)
    np.testing.assert_allclose(to_numpy(tangent), expected, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(to_numpy(y), act.galu(x), rtol=1e-14)

    cotangent = to_numpy(act.galu_grad(to_xp(dy), to_xp(x)))
    assert np.vdot(dy, to_numpy(tangent)) == pytest.approx(np.vdot(cotangent, dx))


def test_galu_grad_has_the_type_of_both_arguments(rng, to_xp):
    x, dy = rng.integers(-3, 4, (2, 4, 3)), rng.standard_normal((2, 2, 3))
    of_floats = act.galu_grad(to_xp(dy), to_xp(x.astype(float)))
    assert act.galu_grad(to_xp(dy), to_xp(x)).dtype == np.float64
    assert (act.galu_grad(to_xp(dy), to_xp(x)) == of_floats).all()
    single = x.astype("float32")
    assert act.galu_grad(to_xp(dy), to_xp(single)).dtype == np.float64
    assert act.galu_grad(to_xp(single[:, :2]), to_xp(single)).dtype == np.float32


@pytest.mark.parametrize("shape", [(3, 4, 9), (3, 4, 5, 2), (2, 4, 3, 2, 2), (3, 4)])
@pytest.mark.parametrize("n_entries", [1, 7, 20, 33])
def test_galu_by_parts(n_entries, shape, rng, monkeypatch, to_xp, to_numpy):
    x, dy = rng.standard_normal(shape), rng.standard_normal((shape[0], 2, *shape[2:]))
    gate = 1 / (1 + np.exp(-x[:, 2:]))
    y, dx = x[:, :2] * gate, [dy * gate, dy * x[:, :2] * gate * (1 - gate)]
    monkeypatch.setattr(parts, "IMAGE_ENTRIES", n_entries)
    for values in (x, np.asfortranarray(x)):
        found = to_numpy(act.galu(to_xp(values)))
        np.testing.assert_allclose(found, y, rtol=1e-13)
        found = to_numpy(act.galu_grad(to_xp(dy), to_xp(values)))
        np.testing.assert_allclose(found, np.concatenate(dx, axis=1), rtol=1e-13)


@pytest.mark.parametrize("shape", [(0, 4, 5), (2, 4, 0), (0, 4), (2, 0, 3)])
def test_galu_of_nothing_is_nothing(shape, to_xp):
    x = to_xp(np.zeros(shape))
    y = act.galu(x)
    assert y.shape == (shape[0], shape[1] // 2, *shape[2:])
    assert act.galu_grad(y, x).shape == shape


def test_galu_of_integers_and_of_a_cotangent_that_is_broadcast(rng, to_xp, to_numpy):
    x = rng.integers(-3, 4, (2, 4, 300, 60))
    y = act.galu(to_xp(x))
    assert y.dtype == np.float64
    np.testing.assert_allclose(to_numpy(y), act.galu(x.astype(float)), rtol=1e-13)
    dy = rng.standard_normal((1, 2, 1, 1))
    spread = np.broadcast_to(dy, (2, 2, 300, 60)).copy()
    for_all = to_numpy(act.galu_grad(to_xp(dy), to_xp(x)))
    np.testing.assert_array_equal(for_all, act.galu_grad(spread, x))


def test_galu_layer_is_the_functions(rng):
    x, dx = rng.standard_normal((2, 2, 4, 3))
    dy = rng.standard_normal((2, 2, 3))
    layer = GaLUlayer()
    np.testing.assert_array_equal(layer.vjp(dy, x), act.galu_grad(dy, x))
    np.testing.assert_array_equal(layer.jvp(dx, x), act.galu_jacobian(dx, x)[0])
    with pytest.raises(NotImplementedError, match="expected an elementwise activation"):
        layer.derivative(dy)


def test_galu_refuses_an_odd_number_of_channels():
    with pytest.raises(ValueError, match="galu: expected an even number of channels"):
        act.galu(np.ones((1, 3, 2)))


# --- arrays ---------------------------------------------------------------------------


def input_side(activation, x, y):
    """What `vjp` takes: the input of the gated activation, else the output."""
    return x if activation.halves_channels else y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every
def test_dtype_is_kept(activation, dtype, to_xp):
    x = to_xp(POINTS.astype(dtype))
    y = activation.forward(x)
    results = [y, activation.vjp(y, input_side(activation, x, y))]
    if activation in ELEMENTWISE:
        results.append(activation.derivative(y))
    if activation in INVERTIBLE:
        results.append(activation.inverse(y))
    assert [result.dtype for result in results] == [np.dtype(dtype)] * len(results)


@every
def test_strides_do_not_matter_and_inputs_are_untouched(activation, rng):
    strided = rng.standard_normal((4, 6, 3)).transpose(2, 1, 0)[:, :, ::2]
    x = strided.copy()
    y = activation.forward(strided)
    np.testing.assert_array_equal(y, activation.forward(x))
    dy = rng.standard_normal(y.shape)
    dy_before, y_before = dy.copy(), y.copy()
    activation.vjp(dy, input_side(activation, strided, y))
    if activation in INVERTIBLE:
        activation.inverse(y)
    np.testing.assert_array_equal(strided, x)
    np.testing.assert_array_equal(dy, dy_before)
    np.testing.assert_array_equal(y, y_before)


@every
def test_nothing_waits_for_the_device(activation, to_xp, device_counters):
    x = to_xp(POINTS)
    device_counters.reset()
    y = activation.forward(x)
    activation.vjp(y, input_side(activation, x, y))
    if activation in ELEMENTWISE:
        activation.derivative(y)
    if activation in INVERTIBLE:
        activation.inverse(y)
    assert device_counters.read() == (0, 0, 0)
