"""``ActNorm`` and ``Conv1x1`` side by side: one product, and the same results."""

import numpy as np
import pytest

from invertiblenetworks import ActNorm, Chain, Conv1x1, CouplingLayerGlow, NetworkGlow
from invertiblenetworks.compose.chain import folded_layers
from invertiblenetworks.layers.normalized_mixing import NormalizedMixing

SHAPES = [(5, 4, 3, 6), (1, 4, 7), (6, 4)]


def pair(rng, shape, dtype="float64", mean=0.5):
    norm, conv = ActNorm(4, dtype=dtype), Conv1x1(4, dtype=dtype, rng=1)
    x = (mean + rng.standard_normal(shape)).astype(dtype)
    norm.initialize(x)
    for parameter in (norm.s, norm.b):
        moved = 1 + 0.2 * rng.standard_normal(parameter.shape)
        parameter.set((parameter.data * moved).astype(dtype))
    return norm, conv, x


def apart(layers, method, *arrays):
    """Apply layers one after the other, with what they add to ``Parameter.grad``."""
    forwards = method in ("forward", "backward_inv")
    for layer in layers if forwards else reversed(layers):
        result = getattr(layer, method)(*arrays)
        arrays = result if isinstance(result, tuple) else (result,)
    return arrays


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("method", ["forward", "inverse", "backward", "backward_inv"])
def test_same_as_one_after_the_other(method, shape, rng):
    norm, conv, x = pair(rng, shape)
    chain = Chain(norm, conv)
    arrays = (x,) if method in ("forward", "inverse") else (x, x[::-1].copy())
    found = getattr(chain, method)(*arrays)
    found = [*(found if isinstance(found, tuple) else (found,)), *chain.get_grads()]
    chain.clear_grad()
    wanted = [*apart([norm, conv], method, *arrays), *chain.get_grads()]
    for a, b in zip(found, wanted, strict=True):
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_neighbours_are_folded_through_nested_chains():
    net = NetworkGlow(4, 3, L=1, K=2, rng=0)
    kinds = [type(layer).__name__ for layer in folded_layers(net)]
    assert kinds == ["NormalizedMixing", "Coupling"] * 2
    norm, glow = ActNorm(4), CouplingLayerGlow(4, 3, rng=0)
    assert isinstance(folded_layers(Chain(norm, glow))[0], NormalizedMixing)
    assert folded_layers(Chain(glow.layers[0], norm)) == [glow.layers[0], norm]


class Doubled(ActNorm):
    """Differs from its base class in a hook."""

    def _affine(self, x):
        return 2 * super()._affine(x)


class Clipped(Chain):
    """A chain whose gradient is not that of `Chain`."""

    def _backward(self, dy, dld, y, cond, add_grad):
        dx, x, dcond = super()._backward(dy, dld, y, cond, add_grad)
        return 0 * dx, x, dcond


def test_what_a_subclass_changes_is_not_passed_over(rng):
    norm, conv, x = pair(rng, SHAPES[0])
    doubled = Doubled(4, dtype="float64")
    doubled.s.set(norm.s.data)
    doubled.b.set(norm.b.data)
    y = Chain(doubled, conv).forward(x)
    np.testing.assert_allclose(y, conv.forward(doubled.forward(x)), rtol=1e-12)
    dx, _ = Chain(Clipped(norm), conv).backward(x, x)
    assert not dx.any()


def test_data_far_from_zero_cost_no_accuracy(rng):
    """Their mean must not enter sums in which it cancels."""
    errors = {}
    for folded in (True, False):
        norm, conv, x = pair(np.random.default_rng(1), (8, 4, 16, 16), mean=1000.0)
        layers = [norm, conv]
        dy = np.random.default_rng(2).standard_normal(x.shape)
        gradients = {}
        for dtype in ("float32", "float64"):
            for layer in layers:
                layer.astype(dtype).clear_grad()
            arrays = dy.astype(dtype), Chain(*layers).forward(x.astype(dtype))
            if folded:
                Chain(*layers).backward(*arrays)
            else:
                apart(layers, "backward", *arrays)
            gradients[dtype] = np.concatenate([v.grad for v in conv.v])
        difference = gradients["float32"] - gradients["float64"]
        size = np.linalg.norm(gradients["float64"])
        errors[folded] = np.linalg.norm(difference) / size
    assert errors[True] < 3 * errors[False] + 1e-5
