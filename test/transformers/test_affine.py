"""The formulas of the transformers, written out once more."""

import numpy as np

from invertiblenetworks import AdditiveTransformer, AffineTransformer


def test_affine_formula(rng):
    b, raw, shift = rng.normal(size=(3, 4, 2, 3))
    p = np.concatenate([raw, shift], axis=1)
    b2, ld = AffineTransformer("sigmoid").forward(b, p)
    scale = 1.0 / (1.0 + np.exp(-raw))
    np.testing.assert_allclose(b2, scale * b + shift, rtol=1e-13)
    np.testing.assert_allclose(ld, np.log(scale).sum((1, 2)), rtol=1e-13)


def test_default_scale_starts_at_one_and_stays_away_from_zero(rng):
    b = rng.normal(size=(1, 1, 3))
    transformer = AffineTransformer()
    b2, ld = transformer.forward(b, np.zeros((1, 2, 3)))
    np.testing.assert_array_equal(b2, b)
    np.testing.assert_array_equal(ld, 0.0)
    extreme = np.concatenate([np.full((1, 1, 3), -1e30), np.zeros((1, 1, 3))], axis=1)
    scale = transformer.forward(np.ones((1, 1, 3)), extreme)[0]
    assert scale.min() > np.exp(-2.0)


def test_additive_formula(rng):
    b, p = rng.normal(size=(2, 4, 2, 3))
    b2, ld = AdditiveTransformer().forward(b, p)
    np.testing.assert_array_equal(b2, b + p)
    np.testing.assert_array_equal(ld, 0.0)
