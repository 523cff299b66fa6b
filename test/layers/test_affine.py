"""Facts about AffineLayer beyond the contract."""

import numpy as np
import pytest

from invertiblenetworks import AffineLayer


def test_starts_as_the_identity_with_sizes_in_the_order_of_the_original(
    to_xp, to_numpy, layer_to_xp
):
    layer = layer_to_xp(AffineLayer(5, 4, 3, logdet=True, dtype="float64"))
    x = np.arange(60.0).reshape(1, 3, 4, 5)
    y, logdet = layer.forward(to_xp(x))
    assert layer.s.shape == (3, 4, 5)
    np.testing.assert_array_equal(to_numpy(y), x)
    assert float(logdet) == 0.0


def test_log_determinant_counts_every_pixel_once(rng, to_xp, layer_to_xp):
    layer = AffineLayer(5, 2, logdet=True, dtype="float64")
    scale = rng.uniform(-2.0, -0.5, (2, 5))
    layer.set_params([scale, np.zeros((2, 5))])
    _, logdet = layer_to_xp(layer).forward(to_xp(np.ones((3, 2, 5))))
    np.testing.assert_allclose(float(logdet), np.log(abs(scale)).sum(), rtol=1e-13)


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="AffineLayer: expected one to three spatial"):
        AffineLayer(4)
    with pytest.raises(ValueError, match="AffineLayer: expected size"):
        AffineLayer(4, 0)
