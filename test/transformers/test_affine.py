"""What is special about the affine transformer."""

import numpy as np

from invertiblenetworks import AffineTransformer


def test_default_scale_starts_at_one_and_stays_away_from_zero(rng):
    b = rng.normal(size=(1, 1, 3))
    transformer = AffineTransformer()
    b2, ld = transformer.forward(b, np.zeros((1, 2, 3)))
    np.testing.assert_array_equal(b2, b)
    np.testing.assert_array_equal(ld, 0.0)
    extreme = np.concatenate([np.full((1, 1, 3), -1e30), np.zeros((1, 1, 3))], axis=1)
    scale = transformer.forward(np.ones((1, 1, 3)), extreme)[0]
    assert scale.min() > np.exp(-2.0)
