"""Facts about the hyperbolic network beyond the contract."""

import numpy as np
import pytest
from randomized import randomized

from invertiblenetworks import HyperbolicLayer, NetworkHyperbolic

ARCHITECTURE = ((0, 6), (1, 12), (0, 24), (-1, 12), (0, 6))


def test_layers_follow_the_architecture(rng):
    net = NetworkHyperbolic(4, ARCHITECTURE, alpha=0.2, dtype="float64", rng=0)
    randomized(net, rng, 0.1)
    states = x = tuple(rng.normal(size=(2, 3, 4, 8, 8)))
    shapes = []
    for layer in net.layers:
        assert isinstance(layer, HyperbolicLayer)
        states = layer.forward(*states)
        shapes.append(states[0].shape[1:])
    assert shapes == [(4, 8, 8), (1, 16, 16), (1, 16, 16), (4, 8, 8), (4, 8, 8)]
    hidden = [layer.get_params()[0].shape[0] for layer in net.layers]
    assert hidden == [6, 12, 24, 12, 6]
    y1, y2, logdet = net.forward(*x)
    np.testing.assert_array_equal([y1, y2], states)
    assert logdet == 0.0
    assert not net.log_abs_det(*x).any()
    np.testing.assert_allclose(net.inverse(y1, y2), x, atol=1e-12)


def test_option_logdet(rng):
    x = rng.normal(size=(2, 2, 4, 4))
    net = NetworkHyperbolic(2, ((0, 4),), logdet=False, dtype="float64", rng=0)
    assert len(net.forward(x, x)) == 2


def test_several_volumes(rng):
    net = NetworkHyperbolic(
        1, ((-1, 4), (1, 4)), alpha=0.1, ndims=3, dtype="float64", rng=0
    )
    x = tuple(rng.normal(size=(2, 2, 1, 4, 2, 6)))
    y1, y2, _ = net.forward(*x)
    np.testing.assert_allclose(net.inverse(y1, y2), x, atol=1e-12)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="NetworkHyperbolic: expected at least one"):
        NetworkHyperbolic(2, ())
    with pytest.raises(ValueError, match="n_in divisible by 4, to double"):
        NetworkHyperbolic(2, ((1, 4),))
