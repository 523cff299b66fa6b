"""Facts about convolutions as nets."""

import numpy as np
import pytest

from invertiblenetworks import Conv, ConvTranspose, Dense


def test_formula_written_out(rng):
    net = Conv(2, 3, (3, 2), stride=(2, 1), pad=(1, 0), dtype="float64", rng=0)
    net.b.data += rng.normal(size=3)
    x = rng.normal(size=(2, 2, 5, 4))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0)))
    y = np.zeros((2, 3, 3, 3))
    for i, j in np.ndindex(3, 3):
        patch = padded[:, :, 2 * i : 2 * i + 3, j : j + 2]
        y[:, :, i, j] = np.einsum("ncij,ocij->no", patch, net.W.data) + net.b.data
    np.testing.assert_allclose(net.forward(x), y, atol=1e-13)


@pytest.mark.parametrize("size", [6, 7, 8, 9])
def test_transposed_convolution_is_the_adjoint(rng, size):
    options = {"stride": 3, "pad": 1, "ndims": 1, "bias": False, "dtype": "float64"}
    down = Conv(2, 3, 4, **options, rng=0)
    extra = (size + 2 - 4) % 3
    up = ConvTranspose(3, 2, 4, output_padding=extra, **options)
    up.W.set(down.W.data)
    x = rng.normal(size=(2, 2, size))
    y = down.forward(x)
    v = rng.normal(size=y.shape)
    assert up.forward(v).shape == x.shape
    np.testing.assert_allclose(np.vdot(y, v), np.vdot(x, up.forward(v)), atol=1e-13)


def test_least_size_by_default():
    up = ConvTranspose(1, 1, 3, stride=2, pad=1, ndims=1)
    assert up.forward(np.ones((1, 1, 4), "float32")).shape == (1, 1, 7)


def test_without_pixels_it_is_a_dense_layer(rng):
    x = rng.normal(size=(4, 3))
    dense = Dense(3, 2, dtype="float64", rng=0)
    net = Conv(3, 2, 1, ndims=0, dtype="float64", rng=1)
    net.set_params(dense.get_params())
    np.testing.assert_allclose(net.forward(x), dense.forward(x), atol=1e-14)


def test_starts_at_zero_if_asked(rng):
    x = rng.normal(size=(1, 2, 3, 3)).astype("float32")
    for kind in (Conv, ConvTranspose):
        assert not kind(2, 2, 3, pad=1, zero=True).forward(x).any()


def test_bias_is_optional():
    assert list(Conv(1, 2, 3).named_params()) == ["W", "b"]
    assert list(Conv(1, 2, 3, bias=False).named_params()) == ["W"]


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="Conv: expected ndims to be one of"):
        Conv(1, 1, 3, ndims=4)
    with pytest.raises(ValueError, match="Conv: expected kernel to be an integer"):
        Conv(1, 1, (3, 3, 3))
    with pytest.raises(ValueError, match="Conv: expected pad to be an integer"):
        Conv(1, 1, 3, pad=-1)
    with pytest.raises(ValueError, match="output_padding less than the stride"):
        ConvTranspose(1, 1, 3, output_padding=1)
    with pytest.raises(ValueError, match=r"Conv\.forward: expected images into which"):
        Conv(1, 1, 3).forward(np.ones((1, 1, 2, 5), "float32"))
    with pytest.raises(ValueError, match=r"ConvTranspose\.forward: expected images"):
        ConvTranspose(1, 1, 2, pad=1).forward(np.ones((1, 1, 1, 5), "float32"))
