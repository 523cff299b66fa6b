"""An activation after a bias and a skip connection: values, gradients and launches."""

import numpy as np
import pytest

from invertiblenetworks.backend import has_cuda_kernels
from invertiblenetworks.kernels.activation_layers import (
    ExpClampLayer,
    IdentityLayer,
    LeakyReLUlayer,
    ReLUlayer,
    Sigmoid2Layer,
    SigmoidLayer,
    SoftplusLayer,
    TanhLayer,
)
from invertiblenetworks.kernels.biased_activation import activate, pull_back

pytestmark = pytest.mark.kernels

ACTIVATIONS = [
    IdentityLayer(),
    ReLUlayer(),
    LeakyReLUlayer(),
    LeakyReLUlayer(2.0),
    SigmoidLayer(),
    SigmoidLayer(-1.0, 3.0),
    Sigmoid2Layer(),
    TanhLayer(),
    SoftplusLayer(),
    ExpClampLayer(),
]

every = pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
with_skip = pytest.mark.parametrize("skip", [False, True], ids=["", "skip"])


def operands(rng, dtype):
    """Two images with values large and small, and a bias."""
    a, b = 3 * rng.standard_normal((2, 2, 3, 4, 5)).astype(dtype)
    a[0, 0, 0] = [0.0, -200.0, 200.0, np.nan, 1e-6]
    return a, b, rng.standard_normal(3).astype(dtype)


@with_skip
@every
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_value(activation, skip, dtype, rng, to_xp, to_numpy):
    a, b, bias = operands(rng, dtype)
    total = a + bias[:, None, None] + (b if skip else 0)
    given = to_xp(a.copy()), to_xp(bias)
    found = activate(activation, *given, to_xp(b) if skip else None)
    assert found.dtype == dtype
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    expected = activation.forward(total)
    np.testing.assert_allclose(to_numpy(found), expected, tolerance, 1e-30)


@with_skip
@every
def test_gradient(activation, skip, rng, to_xp, to_numpy):
    a, b, _ = operands(rng, "float64")
    y, dy = activation.forward(a), rng.standard_normal(a.shape)
    expected = activation.vjp(dy + (b if skip else 0), y)
    given = to_xp(dy.copy()), to_xp(y)
    found = pull_back(activation, *given, to_xp(b) if skip else None)
    np.testing.assert_allclose(to_numpy(found), expected, 1e-12, 1e-15)


def test_one_launch_in_place(rng, backend, to_xp, device_counters):
    a, b, bias = map(to_xp, operands(rng, "float32"))
    activate(ReLUlayer(), a.copy(), bias, b), pull_back(ReLUlayer(), a.copy(), b, b)
    device_counters.reset()
    if backend.name == "emulated":
        from doubles import cupy_on_cpu

        with cupy_on_cpu.launch_names() as names:
            activate(ReLUlayer(), a, bias, b)
            pull_back(ReLUlayer(), a, b, b)
        assert names == ["biased_activation", "activation_gradient"]
    if has_cuda_kernels(backend.xp):
        assert activate(ReLUlayer(), a, bias) is a
        assert pull_back(ReLUlayer(), a, b) is a
    assert device_counters.read() == (0, 0, 0)
