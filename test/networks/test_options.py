"""Options of networks reach the layers they are for: each one changes something."""

import numpy as np
import pytest

import invertiblenetworks as inn
from invertiblenetworks.testing import perturb

ONE_TAP = {"k1": 1, "p1": 0, "k2": 1, "p2": 0}
CHANGES = {
    "k1": {"k1": 3, "p1": 1},
    "k2": {"k2": 3, "p2": 1},
    "s1": {"k1": 2, "s1": 2},
    "freeze_conv": {"freeze_conv": True},
    "n_reflections": {"n_reflections": 2},
    "activation": {"activation": "sigmoid"},
    "coupling": {"coupling": "additive"},
    "block_activation": {"block_activation": "tanh"},
    "rb_activation": {"rb_activation": "tanh"},
    "final_activation": {"final_activation": "tanh"},
    "shared": {"shared": False},
    "permute": {"permute": False},
    "permute hint": {"permute": "both"},
    "alpha": {"alpha": 0.5},
    "hyperbolic activation": {"activation": "tanh"},
    "split_scales": {"split_scales": True},
    "squeezer": {"split_scales": True, "squeezer": inn.HaarLayer()},
    "kernel": {"k": 1, "p": 0},
}
COUPLINGS = ("k1", "k2", "s1", "n_reflections", "activation", "coupling")
HINT = ("shared", "block_activation", "final_activation", *COUPLINGS)
NETWORKS = {
    "NetworkGlow": (
        lambda **o: inn.NetworkGlow(2, 2, 1, 1, **{**ONE_TAP, **o}),
        ("freeze_conv", "block_activation", "final_activation", "split_scales")
        + ("squeezer", *COUPLINGS),
    ),
    "NetworkConditionalGlow": (
        lambda **o: inn.NetworkConditionalGlow(2, 2, 2, 1, 1, **{**ONE_TAP, **o}),
        ("freeze_conv", "rb_activation", "final_activation", "split_scales")
        + ("squeezer", *COUPLINGS),
    ),
    "NetworkConditionalHINT": (
        lambda **o: inn.NetworkConditionalHINT(6, 2, 1, **{**ONE_TAP, **o}),
        ("permute", *HINT),
    ),
    "NetworkMultiScaleHINT": (
        lambda **o: inn.NetworkMultiScaleHINT(2, 2, 2, 1, **{**ONE_TAP, **o}),
        ("permute hint", "split_scales", "squeezer", *HINT),
    ),
    "NetworkMultiScaleConditionalHINT": (
        lambda **o: inn.NetworkMultiScaleConditionalHINT(
            2, 2, 2, 1, **{**ONE_TAP, **o}
        ),
        ("permute", "split_scales", "squeezer", *HINT),
    ),
    "NetworkHyperbolic": (
        lambda **o: inn.NetworkHyperbolic(2, ((0, 3),), **o),
        ("alpha", "hyperbolic activation", "kernel"),
    ),
}


def fingerprint(build, options):
    """All that options can change: parameters, what is trained, and results."""
    net = build(dtype="float64", rng=0, **options)
    rng = np.random.default_rng(1)
    n_in = 6 if "ConditionalHINT" in type(net).__name__ and len(net.layers) == 3 else 2
    arrays = [rng.normal(size=(2, n_in, 8, 8)) for _ in range(2)]
    if not isinstance(net, inn.PairMixin) and net.cond_kind == "none":
        arrays = arrays[:1]
    net.initialize(*arrays)
    perturb(net, np.random.default_rng(2))
    outputs = [part.ravel() for part in net.forward(*arrays)[:-1]]
    described = [(n, p.shape, p.trainable) for n, p in net.named_params().items()]
    return described, np.concatenate(outputs).round(9).tolist()


@pytest.mark.parametrize(
    ("name", "option"),
    [(name, option) for name, (_, options) in NETWORKS.items() for option in options],
)
def test_option_changes_the_network(name, option):
    build, _ = NETWORKS[name]
    assert fingerprint(build, CHANGES[option]) != fingerprint(build, {})
