"""The values that stand for activation functions as options of nets and layers."""

import dataclasses
import pickle

import numpy as np
import pytest

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
    activation_by_name,
)

POSITIVE = [
    SigmoidLayer(),
    SigmoidLayer(low=0.5),
    Sigmoid2Layer(),
    ExpClampLayer(),
    SoftplusLayer(),
]
SIGNED = [
    IdentityLayer(),
    ReLUlayer(),
    LeakyReLUlayer(),
    SigmoidLayer(low=-1),
    TanhLayer(),
    GaLUlayer(),
]


def test_flags():
    assert all(activation.positive for activation in POSITIVE)
    assert not any(activation.positive for activation in SIGNED)
    assert [a for a in POSITIVE + SIGNED if a.halves_channels] == [GaLUlayer()]


def test_equality_and_repr():
    assert SigmoidLayer(low=0, high=1) == SigmoidLayer()
    assert SigmoidLayer(low=0.5) != SigmoidLayer()
    assert SigmoidLayer(high=2) != Sigmoid2Layer()
    assert len({ReLUlayer(), ReLUlayer(), TanhLayer()}) == 2
    assert repr(SigmoidLayer(0.5)) == "SigmoidLayer(low=0.5, high=1.0)"
    assert repr(Sigmoid2Layer()) == "Sigmoid2Layer()"
    assert repr(ReLUlayer()) == "ReLUlayer()"


@pytest.mark.parametrize("activation", POSITIVE + SIGNED, ids=repr)
def test_activations_can_be_pickled(activation):
    assert pickle.loads(pickle.dumps(activation)) == activation


def test_activations_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SigmoidLayer().low = 0.5


def test_options_never_change_the_dtype():
    layer = SigmoidLayer(low=np.float64(0.5), high=np.float64(1.0))
    assert layer.forward(np.ones((1, 1), dtype="float32")).dtype == np.float32


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: LeakyReLUlayer(slope=0), "LeakyReLUlayer: expected slope > 0"),
        (lambda: SigmoidLayer(low=2), "SigmoidLayer: expected low < high"),
        (lambda: ExpClampLayer(clamp=-1), "ExpClampLayer: expected clamp > 0"),
    ],
)
def test_bad_options(build, match):
    with pytest.raises(ValueError, match=match):
        build()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu", ReLUlayer()),
        ("leaky_relu", LeakyReLUlayer(0.01)),
        ("sigmoid", SigmoidLayer(0, 1)),
        ("sigmoid2", Sigmoid2Layer()),
        ("exp_clamp", ExpClampLayer(2)),
        ("tanh", TanhLayer()),
        ("softplus", SoftplusLayer()),
        ("identity", IdentityLayer()),
        ("galu", GaLUlayer()),
    ],
)
def test_activation_by_name(name, expected):
    assert activation_by_name(name) == expected
    assert activation_by_name(expected) is expected


def test_activation_by_name_refuses_anything_else():
    with pytest.raises(ValueError, match=r"one of 'relu', .*'galu', got 'swish'"):
        activation_by_name("swish")
    with pytest.raises(TypeError, match=r"expected an Activation or its name, got .*"):
        activation_by_name(ReLUlayer)


def test_shorter_ways_of_another_function_are_lost(to_xp, to_numpy):
    class Mixin:
        def forward(self, x):
            return 2 * x

        def derivative(self, y):
            return 2 + 0 * y

    class Mixed(Mixin, ReLUlayer):
        """Whose function comes from the class that stands first."""

    class SameFunction(ReLUlayer):
        """With all ways of its base."""

    class OwnScale(ExpClampLayer):
        def scale(self, x):
            return super().scale(x)

    class OwnKernel(SigmoidLayer):
        """With CUDA of its own, so NumPy's code may be another, too."""

        cuda_value = "1 / (1 + exp(-x))"

    x = np.array([-1.0, 3.0])
    assert OwnKernel().compiled_as is None
    assert OwnKernel.scale is SigmoidLayer.scale
    assert Mixed().compiled_as is None
    np.testing.assert_array_equal(
        to_numpy(Mixed().forward_in_place(to_xp(x.copy()))), 2 * x
    )
    found = to_numpy(Mixed().vjp_in_place(to_xp(x.copy()), to_xp(x)))
    np.testing.assert_array_equal(found, 2 * x)
    assert SameFunction().compiled_as == ("two_slopes", 0.0, 0.0)
    assert SameFunction.forward_in_place is ReLUlayer.forward_in_place
    assert ExpClampLayer().compiled_as is not None
    assert OwnScale().compiled_as is None
    assert OwnScale.log_derivative is ExpClampLayer.log_derivative
