"""Facts about the conditioners beyond the contract."""

import numpy as np
import pytest

from invertiblenetworks import (
    ActNorm,
    AsNet,
    ConcatCond,
    Dense,
    DenseBlock,
    ResidualBlock,
    Sequential,
)


def correlate(x, w, pad):
    """Plain loops over taps, as an independent reference."""
    n, _, height, width = x.shape
    k = w.shape[-1]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = height + 2 * pad - k + 1, width + 2 * pad - k + 1
    y = np.zeros((n, len(w), rows, columns))
    for i in range(k):
        for j in range(k):
            patch = padded[:, :, i : i + rows, j : j + columns]
            y += np.einsum("oc,nchw->nohw", w[:, :, i, j], patch)
    return y


def test_formula_written_out(rng):
    net = ResidualBlock(
        2, 3, n_out=4, k2=1, p2=0, fan=True, zero=False, dtype="float64", rng=0
    )
    for p in (net.b1, net.b2):
        p.data += rng.normal(size=p.shape)
    x = rng.normal(size=(2, 2, 4, 5))
    h1 = np.maximum(correlate(x, net.W1.data, 1) + net.b1.data[:, None, None], 0)
    h2 = h1 + correlate(h1, net.W2.data, 0) + net.b2.data[:, None, None]
    h2 = np.maximum(h2, 0)
    transposed = net.W3.data.swapaxes(0, 1)[:, :, ::-1, ::-1]
    np.testing.assert_allclose(net.forward(x), correlate(h2, transposed, 1), atol=1e-12)


def test_gate_halves_the_channels(rng):
    net = ResidualBlock(2, 3, dtype="float64", rng=0)
    assert net.forward(rng.normal(size=(1, 2, 4, 4))).shape == (1, 2, 4, 4)


def test_starts_at_zero_as_a_conditioner(rng):
    net = ResidualBlock(2, 3, n_out=4, fan=True, dtype="float64", rng=0)
    np.testing.assert_array_equal(net.forward(rng.normal(size=(1, 2, 4, 4))), 0.0)


@pytest.mark.parametrize("size", [8, 12])
def test_strided_block_returns_to_the_size_of_its_input(rng, size):
    net = ResidualBlock(2, 3, k1=4, p1=0, s1=4, dtype="float64", rng=0)
    assert net.forward(rng.normal(size=(1, 2, size, size))).shape == (1, 2, size, size)
    with pytest.raises(ValueError, match="a multiple of 4"):
        net.forward(rng.normal(size=(1, 2, size + 1, size)))


def test_final_relu_of_the_original(rng):
    net = ResidualBlock(
        2, 3, n_out=4, fan=True, final_activation="relu", zero=False, rng=0
    )
    y = net.forward(rng.normal(size=(1, 2, 6, 6)).astype("float32"))
    assert y.min() == 0.0
    assert y.max() > 0.0


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="a second convolution that keeps the size"):
        ResidualBlock(2, 3, k2=3, p2=0)
    with pytest.raises(ValueError, match="an even n_out to gate"):
        ResidualBlock(2, 3, n_out=3)
    with pytest.raises(ValueError, match="ndims to be 0, 1, 2 or 3"):
        ResidualBlock(2, 3, ndims=4)
    with pytest.raises(TypeError, match="Sequential: expected nets without condition"):
        Sequential(ConcatCond(Dense(2, 2)))


def test_dense_block_maps_sample_shapes(rng):
    net = DenseBlock((2, 5), (3, 5), 7, zero=False, dtype="float64", rng=0)
    assert net.forward(rng.normal(size=(4, 2, 5))).shape == (4, 3, 5)
    with pytest.raises(ValueError, match=r"samples of shape \(2, 5\)"):
        net.forward(rng.normal(size=(4, 2, 6)))


def test_first_condition_of_a_net_that_is_not_finite():
    inner = AsNet(ActNorm(4, dtype="float64"))
    net = ConcatCond(Sequential(inner))
    x, cond = np.ones((3, 2)), np.full((3, 2), np.nan)
    with pytest.raises(ValueError, match="NaN or infinity in the first batch"):
        net.forward(x, cond)
    assert not net.initialized
