"""What the tests of saving and loading share."""

import numpy as np

from invertiblenetworks import AffineLayer, NetworkGlow


def affine():
    return AffineLayer(2, 1, dtype="float64")


def glow(rng=0, dtype="float64", **options):
    options = {"L": 2, "K": 1, "split_scales": True, **options}
    return NetworkGlow(1, 3, dtype=dtype, rng=rng, **options)


def initialised(net, rng, to_xp):
    """Set random parameters, and return a batch that fits."""
    x = rng.normal(size=(3, 1, 4, 4)).astype(net.dtype)
    net.forward(to_xp(x))
    for p in net.get_params():
        p.data += to_xp(0.1 * rng.normal(size=p.shape).astype(net.dtype))
    return to_xp(x)


def contents(layer, to_numpy):
    """Copies of all values by name; ``None`` where there are none."""
    return {
        name: None if p.data is None else to_numpy(p.data).copy()
        for name, p in layer.named_params().items()
    }


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])
        assert values is None or values.dtype == second[name].dtype
