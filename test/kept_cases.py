"""Networks whose hidden states are kept, with arguments of their methods."""

from __future__ import annotations

import numpy as np
from randomized import randomized

import invertiblenetworks as inn

OPTIONS = {"dtype": "float64", "rng": 1, "logdet": True}
SHAPE = (3, 4, 16, 8)

# How to build each, and how often a call evaluates a conditioner.
NETWORKS = {
    "Glow": (lambda: inn.NetworkGlow(4, 5, L=2, K=2, split_scales=True, **OPTIONS), 4),
    "Glow 3x3": (lambda: inn.NetworkGlow(4, 5, L=1, K=2, k2=3, p2=1, **OPTIONS), 2),
    "Glow tanh": (
        lambda: inn.NetworkGlow(4, 5, L=1, K=2, final_activation="tanh", **OPTIONS),
        2,
    ),
    "Glow additive": (
        lambda: inn.NetworkGlow(4, 5, L=1, K=2, coupling="additive", **OPTIONS),
        2,
    ),
    "conditional Glow": (
        lambda: inn.NetworkConditionalGlow(4, 4, 5, L=1, K=2, **OPTIONS),
        2,
    ),
    # The coupling of two channels each is used on both halves.
    "HINT": (lambda: inn.CouplingLayerHINT(4, 5, permute="full", **OPTIONS), 1),
    "HINT scales": (
        lambda: inn.NetworkMultiScaleHINT(2, 5, L=1, K=1, **OPTIONS),
        3,
    ),
    "hyperbolic": (
        lambda: inn.NetworkHyperbolic(4, [(0, 4), (0, 4)], alpha=0.2, **OPTIONS),
        None,
    ),
    "pair": (lambda: inn.CouplingLayerBasic(4, 5, **OPTIONS), 1),
    "conditional HINT": (lambda: inn.NetworkConditionalHINT(4, 5, 2, **OPTIONS), None),
    "reversed": (lambda: inn.reverse(NETWORKS["Glow"][0]()), 4),
}


class Case:
    """A network with arguments of its methods, on the library under test."""

    def __init__(self, name, to_xp, layer_to_xp):
        rng = np.random.default_rng(5)
        build, self.n_evaluations = NETWORKS[name]
        self.net = randomized(build(), rng, 0.1)
        shape = SHAPE if name != "HINT scales" else (3, 2, 16, 8)
        self.is_pair = isinstance(self.net, inn.PairMixin)
        n_states = 2 if self.is_pair else 1
        has_cond = self.net.cond_kind == "array"

        def draw(number):
            return [to_xp(rng.standard_normal(shape)) for _ in range(number)]

        self.net = layer_to_xp(self.net)
        self.x, self.dy = draw(n_states), draw(n_states)
        self.cond = draw(1) if has_cond else []
        self.net.initialize(*self.x, *self.cond)

    def forward(self, method="forward"):
        """The state that a method returns, without the log-determinant."""
        return self.forward_and_logdet(method)[: len(self.x)]

    def forward_and_logdet(self, method="forward"):
        found = getattr(self.net, method)(*self.x, *self.cond)
        return list(found) if isinstance(found, tuple) else [found]

    def backward(self, y, method="backward"):
        """All gradients, and the state recomputed."""
        self.net.clear_grad()
        found = getattr(self.net, method)(*self.dy, *y, *self.cond)
        return [*found, *self.net.get_grads()]


def count_evaluations(monkeypatch) -> list[str]:
    """List that grows with every evaluation of a convolutional conditioner."""
    calls = []

    def count(kind, method):
        original = getattr(kind, method)

        def counted(self, x, cond):
            calls.append(method)
            return original(self, x, cond)

        monkeypatch.setattr(kind, method, counted)

    count(inn.ResidualBlock, "_forward")
    count(inn.ResidualBlock, "_linearize")
    return calls


def assert_same(found, wanted, rtol=1e-12):
    """Compare arrays up to rounding, each relative to its largest entry."""
    for a, b in zip(found, wanted, strict=True):
        a, b = inn.to_cpu(a), inn.to_cpu(b)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b).max())


on_host = [lambda x: x, lambda layer: layer]
"""In place of the fixtures of `Case`: arrays of NumPy on all backends."""
