"""Facts about the leapfrog step beyond the contract."""

import numpy as np
import pytest
from randomized import randomized

from invertiblenetworks import HyperbolicLayer, haar_squeeze, haar_unsqueeze
from invertiblenetworks.testing import dense_matrix


def hyperbolic(n_in, rng, **options):
    options = {"alpha": 0.2, "dtype": "float64", "rng": 0, **options}
    return randomized(HyperbolicLayer(n_in, 3, 1, 1, **options), rng)


def correlate(x, w):
    """Correlation by loops over the pixels, with zeros around the image."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = np.empty((len(x), len(w), *x.shape[2:]))
    for i, j in np.ndindex(*x.shape[2:]):
        window = padded[:, :, i : i + 3, j : j + 3]
        y[:, :, i, j] = np.tensordot(window, w, axes=([1, 2, 3], [1, 2, 3]))
    return y


def leapfrog(layer, previous, current):
    """``2 x_cur - x_prev - alpha K^T relu(K x_cur + b)``, with K as a matrix."""
    net = layer.layers[-2].net
    w, b = net.W.data, net.b.data
    matrix = dense_matrix(lambda x: correlate(x, w), np.empty((1, *current.shape[1:])))
    flat = current.reshape(len(current), -1)
    hidden = (flat @ matrix.T).reshape(len(current), len(b), -1) + b[:, None]
    spread = np.maximum(hidden, 0).reshape(len(current), -1) @ matrix
    return 2 * current - previous - 0.2 * spread.reshape(current.shape)


RESCALE = {0: lambda x: x, 1: haar_unsqueeze, -1: haar_squeeze}


@pytest.mark.parametrize("action", [0, 1, -1])
def test_step_written_out(action, rng):
    layer = hyperbolic(4, rng, action=action, n_hidden=3, logdet=True)
    previous, current = rng.normal(size=(2, 2, 4, 4, 2))
    old, new, logdet = layer.forward(previous, current)
    previous, current = RESCALE[action](previous), RESCALE[action](current)
    np.testing.assert_allclose(old, current, atol=1e-14)
    np.testing.assert_allclose(new, leapfrog(layer, previous, current), atol=1e-12)
    assert logdet == 0.0


@pytest.mark.parametrize(
    ("action", "shape"),
    [(0, (2, 4, 8, 4)), (1, (2, 1, 16, 8)), (-1, (2, 16, 4, 2))],
)
def test_meaning_of_the_actions(action, shape, rng, to_xp, to_numpy, layer_to_xp):
    layer = layer_to_xp(hyperbolic(4, rng, action=action))
    previous, current = to_xp(rng.normal(size=(2, 2, 4, 8, 4)))
    y1, y2 = layer.forward(previous, current)
    assert y1.shape == y2.shape == shape
    x1, x2 = layer.inverse(y1, y2)
    np.testing.assert_allclose(to_numpy(x1), to_numpy(previous), atol=1e-12)
    np.testing.assert_allclose(to_numpy(x2), to_numpy(current), atol=1e-12)
    assert not to_numpy(layer.log_abs_det(previous, current)).any()


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="HyperbolicLayer: expected action"):
        HyperbolicLayer(4, 3, 1, 1, action=2)
    with pytest.raises(ValueError, match="n_in divisible by 4, to double the"):
        HyperbolicLayer(6, 3, 1, 1, action=1)
    with pytest.raises(ValueError, match="n_in divisible by 8, to double the"):
        HyperbolicLayer(4, 3, 1, 1, action=1, ndims=3)
