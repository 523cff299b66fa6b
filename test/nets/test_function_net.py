"""Facts about functions of the user's as nets."""

import numpy as np
import pytest

from invertiblenetworks import (
    AdditiveTransformer,
    Coupling,
    FunctionNet,
    Parameter,
    Sequential,
)
from invertiblenetworks.compose import ChannelSplit


def cube(**options):
    return FunctionNet(lambda x: x**3, lambda dy, x: 3.0 * x * x * dy, **options)


def test_only_jacobian_needs_jvp(rng):
    x = rng.normal(size=(2, 3))
    net = Sequential(cube())
    np.testing.assert_allclose(net.backward(x, x), 3 * x**3)
    with pytest.raises(NotImplementedError, match="Give jvp when building the net"):
        net.jacobian(x, None, x)


def test_as_conditioner(rng):
    layer = Coupling(cube(), AdditiveTransformer(), ChannelSplit(2))
    x = rng.normal(size=(2, 4, 3))
    y = layer.forward(x)
    np.testing.assert_allclose(y[:, :2], x[:, :2] + x[:, 2:] ** 3)
    np.testing.assert_allclose(layer.inverse(y), x, atol=1e-13)


def test_parameters_are_those_given():
    shared, array = Parameter(np.ones(1)), np.ones(2)
    net = FunctionNet(
        lambda x, a, b: a * b.sum() * x,
        lambda dy, x, a, b: (dy, a, b),
        params=[shared, array],
    )
    assert net.get_params()[0] is shared
    assert net.get_params()[1].data is array


def test_output_shape(rng):
    def first(x):
        return x[:, :1].copy()

    def pad(dy, x):
        return np.pad(dy, ((0, 0), (0, x.shape[1] - 1)))

    x = rng.normal(size=(2, 3))
    for shape in ((1,), lambda sample: (1, *sample[1:])):
        assert FunctionNet(first, pad, output_shape=shape).forward(x).shape == (2, 1)
    with pytest.raises(ValueError, match="function to return float64 numpy arrays"):
        FunctionNet(first, pad).forward(x)


@pytest.mark.parametrize("wrong", [None, 1.0, np.ones((2, 2)), np.ones((2, 3), "f4")])
def test_wrong_results_are_refused(rng, wrong):
    x = rng.normal(size=(2, 3))
    net = FunctionNet(lambda x: x + 1, lambda dy, x: wrong, lambda dx, x: wrong)
    with pytest.raises(ValueError, match="vjp to return float64 numpy arrays"):
        net.backward(x, x)
    with pytest.raises(ValueError, match="jvp to return float64 numpy arrays"):
        net.jacobian(x, None, x)


def test_number_of_cotangents_is_checked(rng):
    x, a = rng.normal(size=(2, 3)), np.ones(1)
    net = FunctionNet(lambda x, a: a * x, lambda dy, x, a: dy * a, params=[a])
    with pytest.raises(ValueError, match="vjp to return a tuple of 2 cotangents"):
        net.backward(x, x)


def test_arguments_are_checked():
    with pytest.raises(TypeError, match="expected vjp to be callable"):
        FunctionNet(np.tanh, None)
    with pytest.raises(TypeError, match="params to hold arrays or Parameters"):
        FunctionNet(np.tanh, np.tanh, params=[1.0])
    with pytest.raises(TypeError, match="'float32' or 'float64'"):
        FunctionNet(np.tanh, np.tanh, params=[np.arange(3)])
