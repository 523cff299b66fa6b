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
    before = "Channels come before the spatial axes."
    assert refusal(network, zeros(2, 8, 8, 3)).endswith(before)
    assert refusal(network, zeros(2, 8, 8, 4)).endswith("(2, 8, 8, 4).")
    one_sample = refusal(network, zeros(3, 8, 8))
    assert before not in one_sample
    assert "x[None]" in one_sample
    assert "ndims=1" in one_sample
    assert before in refusal(network, zeros(8, 8, 3))
    assert "x[None]" not in refusal(network, zeros(8, 8, 8))


def test_hints_are_of_networks_that_there_are():
    (with_scales, _), (without, _) = NETWORKS["Glow scales"], NETWORKS["Glow"]
    assert "ndims" not in refusal(with_scales, zeros(2, 3))
    assert refusal(without, zeros(2, 3)).endswith("built with ndims=0.")
    dense = inn.NetworkGlow(3, 4, 1, 1, ndims=1, dense=True, nx=8, **OPTIONS)
    assert "ndims" not in refusal(dense, zeros(2, 3, 8, 8))


@pytest.mark.parametrize("method", ["forward", "inverse"])
@pytest.mark.parametrize("name", PAIRS)
def test_pairs(name, method):
    network = PAIRS[name]
    arrays = zeros(2, 3, 8, 8), zeros(2, 2, 8, 8)
    found = refusal(network, *arrays, method=method)
    assert "a first array of shape (N, 4, height, width), got shape (2, 3" in found
    second = 4 if name == "hyperbolic" else 2
    arrays = zeros(2, 4, 8, 8), zeros(2, 5, 8, 8)
    found = refusal(network, *arrays, method=method)
    wanted = f"a second array of shape (N, {second}, height, width), got shape (2, 5"
    assert wanted in found


@pytest.mark.parametrize("method", ["forward", "inverse"])
@pytest.mark.parametrize("split_scales", [False, True])
def test_conditions(split_scales, method):
    network = inn.NetworkConditionalGlow(
        2, 3, 4, 1, 1, split_scales=split_scales, **OPTIONS
    )
    x = zeros(2, 2, 8, 8)
    found = refusal(network, x[:, :1], zeros(2, 3, 8, 8), method=method)
    assert "expected an array of shape (N, 2, height, width), got" in found
    for shape in [(2, 4, 8, 8), (2, 3), (2, 8, 8, 3)]:
        found = refusal(network, x, zeros(*shape), method=method)
        wanted = "expected a condition of shape (N, 3, height, width)"
        assert found.endswith(f"{wanted}, got shape {shape}.")
    found = refusal(network, x, zeros(2, 3, 4, 4), method=method)
    wanted = r"the state, \(8, 8\), got shape \(2, 3, 4, 4\)\.$"
    assert re.search(wanted, found)


def test_one_array_or_a_pair():
    network, _ = NETWORKS["Glow"]
    x = zeros(2, 3, 8, 8)
    assert "NetworkGlow.forward: expected one array" in refusal(network, (x, x))
    with pytest.raises(ValueError, match=r"HINT\.forward: expected a tuple of two"):
        inn.plan_memory(PAIRS["HINT"], (2, 4, 8, 8))


def test_the_result_of_a_hyperbolic_network_has_other_channels():
    network = inn.NetworkHyperbolic(8, [(1, 4)], **OPTIONS)
    x = zeros(2, 8, 4, 4)
    *results, _ = network.forward(x, x)
    assert results[0].shape == (2, 2, 8, 8)
    network.inverse(*results)
    found = refusal(network, x, x, method="inverse")
    assert "Found by" not in found
    assert "a first array of shape (N, 2, height, width), got shape (2, 8" in found


def test_data_of_one_number_are_not_images():
    """What a bridge reads may have any axes."""

    def bridge(n_channels):
        return inn.Sequential(inn.Dense(1, 64, rng=0), inn.Unflatten((1, 8, 8)))

    network = inn.NetworkConditionalHINT(4, 4, 2, n_y=1, bridge=bridge, **OPTIONS)
    x, y = zeros(3, 4, 8, 8), np.ones((3, 1), "float32")
    zx, zy, _ = network.forward(x, y)
    assert (zx.shape, zy.shape) == (x.shape, y.shape)


def test_a_network_with_other_layers_may_take_others():
    network = inn.NetworkGlow(12, 4, 1, 1, **OPTIONS)
    network.layers.insert(0, inn.ShuffleLayer())
    network._expected = None
    assert network.forward(zeros(2, 3, 8, 8))[0].shape == (2, 12, 4, 4)
