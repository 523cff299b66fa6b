"""Networks name what they take in the words of the caller, before their layers do."""

import re

import numpy as np
import pytest

import invertiblenetworks as inn

OPTIONS = {"rng": 0}
NETWORKS = {
    "Glow": (inn.NetworkGlow(3, 4, 1, 1, **OPTIONS), 2),
    "Glow scales": (inn.NetworkGlow(3, 4, 2, 1, split_scales=True, **OPTIONS), 2),
    "Glow vectors": (inn.NetworkGlow(3, 4, 1, 1, ndims=0, **OPTIONS), 0),
    "Glow volumes": (inn.NetworkGlow(3, 4, 1, 1, ndims=3, **OPTIONS), 3),
    "HINT": (inn.NetworkMultiScaleHINT(3, 4, 1, 1, ndims=1, **OPTIONS), 1),
}
PAIRS = {
    "HINT": inn.NetworkConditionalHINT(4, 4, 1, n_y=2, **OPTIONS),
    "HINT scales": inn.NetworkMultiScaleConditionalHINT(4, 4, 1, 1, n_y=2, **OPTIONS),
    "hyperbolic": inn.NetworkHyperbolic(4, [(0, 4)], **OPTIONS),
}
PATTERNS = {
    0: "(N, 3)",
    1: "(N, 3, length)",
    2: "(N, 3, height, width)",
    3: "(N, 3, depth, height, width)",
}


def zeros(*shape):
    return np.zeros(shape, "float32")


def refusal(network, *arrays, method="forward"):
    with pytest.raises(ValueError) as info:
        getattr(network, method)(*arrays)
    return str(info.value)


@pytest.mark.parametrize("method", ["forward", "inverse"])
@pytest.mark.parametrize("name", NETWORKS)
def test_channels(name, method):
    network, ndims = NETWORKS[name]
    shape = (2, 5, *[8] * ndims)
    expected = f"expected an array of shape {PATTERNS[ndims]}, got shape {shape}."
    assert refusal(network, zeros(*shape), method=method).endswith(f": {expected}")


def test_hints():
    network, _ = NETWORKS["Glow scales"]
    assert "before the spatial axes" in refusal(network, zeros(2, 8, 8, 3))
    assert "before the spatial axes" not in refusal(network, zeros(2, 8, 8, 4))
    one_sample = refusal(network, zeros(3, 8, 8))
    assert "x[None]" in one_sample
    assert "ndims=1" in one_sample
    vectors = refusal(network, zeros(2, 3))
    assert "x[None]" not in vectors
    assert "ndims=0" in vectors


@pytest.mark.parametrize("name", PAIRS)
def test_pairs(name):
    network = PAIRS[name]
    found = refusal(network, zeros(2, 3, 8, 8), zeros(2, 2, 8, 8))
    assert "a first array of shape (N, 4, height, width), got shape (2, 3" in found
    second = 4 if name == "hyperbolic" else 2
    found = refusal(network, zeros(2, 4, 8, 8), zeros(2, 5, 8, 8))
    wanted = f"a second array of shape (N, {second}, height, width), got shape (2, 5"
    assert wanted in found


@pytest.mark.parametrize("split_scales", [False, True])
def test_conditions(split_scales):
    network = inn.NetworkConditionalGlow(
        2, 3, 4, 1, 1, split_scales=split_scales, **OPTIONS
    )
    x = zeros(2, 2, 8, 8)
    found = refusal(network, x, zeros(2, 4, 8, 8))
    wanted = "expected a condition of shape (N, 3, height, width), got shape (2, 4, 8"
    assert wanted in found
    found = refusal(network, x, zeros(2, 3, 4, 4))
    wanted = r"the state, \(8, 8\), got shape \(2, 3, 4, 4\)\.$"
    assert re.search(wanted, found)


def test_a_result_of_another_shape_is_not_held_against_it():
    network = inn.NetworkHyperbolic(8, [(1, 4)], **OPTIONS)
    x = zeros(2, 8, 4, 4)
    *results, _ = network.forward(x, x)
    assert results[0].shape == (2, 2, 8, 8)
    network.inverse(*results)
