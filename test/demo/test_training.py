"""The training loop and the memory of its gradients, with small networks."""

import dataclasses

import numpy as np
import pytest

from invertiblenetworks.demo import training
from invertiblenetworks.demo.memory import compare_depths
from invertiblenetworks.demo.patches import bits_per_dimension, evaluation_patches
from invertiblenetworks.demo.training import (
    History,
    Settings,
    build_network,
    evaluate,
    train,
    train_step,
)

TINY = Settings(steps=12, batch=8, width=4, depth=1, reflections=2)


@pytest.fixture
def validation():
    return evaluation_patches("validation")[:50]


def test_a_step_reports_the_likelihood_and_its_gradient(rng, validation):
    network = build_network(TINY, rng).astype("float64")
    x = validation[:6].astype("float64")
    network.initialize(x)
    for p in network.get_params():
        p.data += 0.1 * rng.normal(size=p.shape)
    bits = train_step(network, x)
    assert bits == pytest.approx(bits_per_dimension(network.log_prob(x)))
    weight = network.get_params()[0]
    gradient, step = weight.grad.ravel()[0], 1e-5
    values = []
    for sign in (1, -1):
        weight.data.ravel()[0] += sign * step
        values.append(network.log_prob(x).mean())
        weight.data.ravel()[0] -= sign * step
    assert -(values[0] - values[1]) / (2 * step) == pytest.approx(gradient, rel=1e-5)


def test_training_helps_and_keeps_its_best_checkpoint(rng, validation):
    network = build_network(TINY, rng)
    history = train(network, TINY, validation, rng)
    assert len(history.train) == 12
    assert list(history.checks) == list(range(1, 13))
    best = history.checks[history.best_step]
    assert best == min(history.checks.values())
    assert best < history.checks[1]
    assert evaluate(network, validation) == best


def test_a_checkpoint_in_the_middle_is_restored(rng, validation, monkeypatch):
    scores = iter([5.0, 4.0, 3.0, 6.0] + 8 * [7.0])
    seen = []

    def scripted(network, x):
        seen.append([p.data.copy() for p in network.get_params()])
        return next(scores)

    monkeypatch.setattr(training, "evaluate", scripted)
    network = build_network(TINY, rng)
    assert train(network, TINY, validation, rng).best_step == 3
    for p, expected in zip(network.get_params(), seen[2], strict=True):
        np.testing.assert_array_equal(p.data, expected)


def test_equal_seeds_give_equal_networks(validation):
    networks = []
    for _ in range(2):
        rng = np.random.default_rng(3)
        networks.append(build_network(TINY, rng))
        train(networks[-1], TINY, validation, rng)
    for a, b in zip(*(n.get_params() for n in networks), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_divergence_is_named(rng, validation):
    network = build_network(TINY, rng)
    network.initialize(validation)
    network.get_params()[0].data[...] = np.float32("nan")
    with pytest.raises(RuntimeError, match="--learning-rate"):
        train_step(network, validation)


def test_evaluation_does_not_depend_on_the_chunks(rng, validation):
    network = build_network(TINY, rng).initialize(validation)
    expected = evaluate(network, validation)
    assert evaluate(network, validation, chunk=7) == pytest.approx(expected, abs=1e-6)


def test_history_averages_the_last_steps():
    assert History(train=[9.0, 1.0, 2.0]).recent(2) == 1.5


def test_memory_does_not_grow_with_depth(validation):
    settings = dataclasses.replace(TINY, depth=4, width=64)
    memory = compare_depths(settings, validation[:32])
    assert list(memory) == [4, 16]
    shallow, deep = memory.values()
    assert 3.9 < deep.gradients / shallow.gradients < 4.1
    assert deep.working < 1.02 * shallow.working
    # Every state of the flow is as large as the input: it cannot hold two per layer.
    assert deep.working > validation[:32].nbytes
