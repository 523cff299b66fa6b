"""Calls stay within the memory limit of the user, and return what they do without."""

from __future__ import annotations

import re
import threading

import numpy as np
import pytest
from planning.traced import traced_peak
from threadpoolctl import threadpool_limits

import invertiblenetworks as inn
from invertiblenetworks import memory_limit, plan_memory, release_workspaces
from invertiblenetworks.base import limits as base_limits
from invertiblenetworks.kernels import memory
from invertiblenetworks.planning.limits import settings_within

OPTIONS = {"rng": 0, "dtype": "float32"}

NETWORKS = {
    "Glow scales": (
        lambda: inn.NetworkGlow(3, 32, L=2, K=2, split_scales=True, **OPTIONS),
        (8, 3, 64, 64),
    ),
    "Glow 3x3": (
        lambda: inn.NetworkGlow(3, 16, L=1, K=1, k2=3, p2=1, **OPTIONS),
        (4, 3, 64, 64),
    ),
    "Glow one sample": (
        lambda: inn.NetworkGlow(3, 32, L=1, K=1, **OPTIONS),
        (1, 3, 128, 128),
    ),
    "HINT": (
        lambda: inn.CouplingLayerHINT(8, 16, permute="full", **OPTIONS),
        (8, 8, 32, 32),
    ),
    "hyperbolic": (
        lambda: inn.NetworkHyperbolic(4, [(0, 8), (0, 8)], alpha=0.2, **OPTIONS),
        (8, 4, 32, 32),
    ),
    "i-RIM": (lambda: inn.CouplingLayerIRIM(8, 16, **OPTIONS), (8, 8, 48, 48)),
    "conditional Glow": (
        lambda: inn.NetworkConditionalGlow(4, 4, 16, L=1, K=1, **OPTIONS),
        (8, 4, 32, 32),
    ),
}
OBJECTS = 2**16
"""Bytes of objects of Python, which a plan does not count."""

METHODS = ("forward", "inverse", "backward", "backward_inv")


class Case:
    """A network that has seen a batch, and its calls."""

    def __init__(self, name):
        build, shape = NETWORKS[name]
        self.net, rng = build(), np.random.default_rng(1)
        x = rng.standard_normal(shape).astype("float32")
        self.state = (x, x) if name == "hyperbolic" else (x,)
        self.cond = (x,) if self.net.cond_kind == "array" else ()
        self.net.forward(*self.state, *self.cond)
        for parameter in self.net.get_params():
            moved = 0.03 * rng.standard_normal(parameter.shape)
            parameter.set(parameter.data + moved.astype("float32"))

    def call(self, method, limit=None):
        """What a method returns, and the gradients that it makes."""
        self.net.clear_grad()
        n_states = 1 if method in ("forward", "inverse") else 2
        arguments = (*self.state * n_states, *self.cond)
        out = getattr(self.net, method)(*arguments, memory_limit=limit)
        gradients = [g for g in self.net.get_grads() if g is not None]
        self.net.clear_grad()
        return [*(out if isinstance(out, tuple) else (out,)), *gradients]

    def least(self, method):
        """The smallest limit, by the message that refuses a smaller one."""
        with pytest.raises(MemoryError) as refusal:
            self.call(method, 1)
        return asked_for(refusal)


def asked_for(refusal):
    text = re.search(r"limit of at least (.*?), got", str(refusal.value)).group(1)
    return memory.as_bytes(text)


def assert_close(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=3e-5 * np.abs(b).max())


@pytest.mark.parametrize("n_workers", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_measured_memory_is_within_the_limit(name, n_workers):
    case = Case(name)
    with threadpool_limits(n_workers, user_api="blas"):
        for method in METHODS:
            expected = case.call(method)
            at_will = traced_peak(lambda method=method: case.call(method))
            least = case.least(method)
            assert least <= 1.02 * at_will
            for part in (0.0, 0.3, 1.1):
                limit = int(least + part * max(0, at_will - least))
                found = []

                def run(method=method, limit=limit, found=found):
                    found[:] = case.call(method, limit)
                    return list(found)

                assert traced_peak(run, before=found.clear) <= 1.05 * limit + OBJECTS
                assert_close(found, expected)


@pytest.mark.parametrize("name", ["Glow scales", "Glow 3x3", "HINT"])
def test_the_smallest_limit_is_well_below_what_is_taken_at_will(name):
    case = Case(name)
    with threadpool_limits(2, user_api="blas"):
        at_will = traced_peak(lambda: case.call("backward"))
        assert case.least("backward") < 0.65 * at_will


def test_what_is_planned_falls_with_the_limit():
    case = Case("Glow scales")
    (x,) = case.state
    least, planned = case.least("backward"), []
    for factor in (8, 4, 2, 1.4, 1):
        limit = int(factor * least)
        settings = settings_within(limit, case.net, "backward", x, x)
        with memory.using(settings):
            planned.append(plan_memory(case.net, x.shape).backward)
        assert planned[-1] <= limit
    assert planned == sorted(planned, reverse=True)
    assert planned[-1] < 0.5 * planned[0]


@pytest.mark.parametrize("method", METHODS)
def test_argument_and_block_are_the_same(method):
    case = Case("HINT")
    limit = int(1.2 * case.least(method))
    expected = case.call(method, limit)
    with memory_limit(limit):
        for a, b in zip(case.call(method), expected, strict=True):
            np.testing.assert_array_equal(a, b)
    with memory_limit(1):  # The inner limit counts.
        case.call(method, limit)
        with memory_limit(f"{limit} B"):
            case.call(method)


def test_the_first_batch_is_planned_too():
    x = np.random.default_rng(0).standard_normal((8, 4, 64, 64)).astype("float32")

    def build():
        return inn.Chain(inn.ActNorm(4), inn.Conv1x1(4, rng=0))

    with pytest.raises(MemoryError) as refusal:
        build().forward(x, memory_limit=1)
    least = asked_for(refusal)
    assert (
        traced_peak(lambda: build().forward(x, memory_limit=least))
        <= 1.05 * least + OBJECTS
    )
    assert least > 1.5 * plan_memory(build(), x.shape).forward
    with memory_limit(least):
        assert build().initialize(x).initialized


def test_every_method_keeps_the_limit_of_a_block():
    case = Case("Glow scales")
    net, (x,) = case.net, case.state
    block = inn.ResidualBlock(3, 16, rng=0)
    y = block.forward(x)
    calls = {
        "NetworkGlow.jacobian": lambda: net.jacobian(x, None, x),
        "NetworkGlow.adjoint_jacobian": lambda: net.adjoint_jacobian(x, x),
        "NetworkGlow.log_prob": lambda: net.log_prob(x),
        "NetworkGlow.log_abs_det": lambda: net.log_abs_det(x),
        "ResidualBlock.forward": lambda: block.forward(x),
        "ResidualBlock.backward": lambda: block.backward(y, x),
        "ResidualBlock.jacobian": lambda: block.jacobian(x, None, x),
        "ResidualBlock.adjoint_jacobian": lambda: block.adjoint_jacobian(y, x),
    }
    for name, call in calls.items():
        with memory_limit(1), pytest.raises(MemoryError, match=name) as refusal:
            call()
        least = asked_for(refusal)

        def limited(call=call, least=least):
            block.clear_grad()
            with memory_limit(least):
                return call()

        assert traced_peak(limited) <= 1.05 * least + OBJECTS, name


# --- what is refused ------------------------------------------------------------------


class Counting(inn.Net):
    """Counts what is done with real arrays."""

    def __init__(self):
        self.net = inn.ResidualBlock(2, 8, n_out=4, fan=True, rng=0)
        self.n_calls = 0

    def _linearize(self, x, cond):
        self.n_calls += isinstance(x, np.ndarray)
        return self.net._linearize(x, cond)

    def _check_shape(self, shape, cond_shape):
        return self.net._check_shape(shape, cond_shape)


def test_a_limit_that_is_too_small_is_refused_before_any_work():
    net = Counting()
    layer = inn.Chain(inn.ActNorm(4), inn.CouplingLayerGlow(4, net, rng=0))
    x = np.ones((2, 4, 32, 32), "float32")
    match = r"^Chain.forward: expected a memory limit of at least \d+ B, got 1000 B"
    with pytest.raises(MemoryError, match=match):
        layer.forward(x, memory_limit=1000)
    assert not layer.initialized
    layer.forward(x)
    n_calls = net.n_calls
    with pytest.raises(MemoryError, match=r"got 20480 B\. Use that, or a smaller"):
        layer.backward(x, x, memory_limit="20 KiB")
    assert net.n_calls == n_calls == 2
    assert layer.get_grads() == [None] * len(layer.get_params())


def test_wrong_arguments_are_reported_as_without_a_limit():
    net, x = inn.ActNorm(4), np.ones((2, 3, 4, 4), "float32")
    with pytest.raises(ValueError, match="4 channels"):
        net.forward(x, memory_limit=1)
    with memory_limit(1), pytest.raises(inn.NotInitializedError):
        net.backward(x[:, :1].repeat(4, 1), x[:, :1].repeat(4, 1))


def test_what_cannot_be_planned_is_refused():
    loop = inn.NetworkLoop(3, 2, 1, rng=0)
    with pytest.raises(TypeError, match=r"NetworkLoop\.forward: .* takes a context"):
        settings_within(1, loop, "forward", (), None)

    def sensible(x):
        return x if x.sum() > 0 else -x

    net = inn.FunctionNet(sensible, lambda dy, x: dy)
    x = np.ones((2, 3, 4, 4), "float32")
    with memory_limit(10**9), pytest.raises(TypeError, match="the value of"):
        net.forward(x)
    assert net.forward(x) is x


class DeviceArray:
    """Stands for an array of another library."""

    shape, dtype, ndim = (2, 3), np.dtype("float32"), 2
    _array_module = type("cupy", (), {"__name__": "cupy"})

    def reshape(self):
        raise NotImplementedError


def test_arrays_on_a_device_are_refused():
    with pytest.raises(TypeError, match="expected NumPy arrays under a memory limit"):
        settings_within(10**9, inn.ActNorm(3), "forward", DeviceArray(), None)


# --- where a limit holds --------------------------------------------------------------


def test_two_threads_with_different_limits():
    cases = {"Glow scales": Case("Glow scales"), "HINT": Case("HINT")}
    limits = {name: int(1.2 * case.least("backward")) for name, case in cases.items()}
    expected = {n: case.call("backward", limits[n]) for n, case in cases.items()}
    barrier, found = threading.Barrier(2), {}

    def work(name):
        with memory_limit(limits[name]):
            for _ in range(3):
                barrier.wait(30)
                found[name] = cases[name].call("backward")
                assert memory.current_limit() == limits[name]
        release_workspaces()

    def both():
        threads = [threading.Thread(target=work, args=(name,)) for name in cases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    with threadpool_limits(2, user_api="blas"):
        peak = traced_peak(both, before=found.clear)
    assert memory.current_limit() is None
    for name in cases:
        for a, b in zip(found[name], expected[name], strict=True):
            np.testing.assert_array_equal(a, b)
    kept = sum(a.nbytes for results in found.values() for a in results)
    assert peak <= 1.05 * sum(limits.values()) + kept + OBJECTS


def test_memory_kept_from_larger_calls_goes_first():
    case = Case("Glow scales")
    limit = int(1.1 * case.least("backward"))
    large = np.zeros((64, 3, 64, 64), "float32")
    case.net.inverse(large)
    case.call("backward", limit)
    assert release_workspaces() <= limit


def test_plans_are_made_once(monkeypatch):
    from invertiblenetworks.planning import limits

    numbers, original = [], limits._planned
    monkeypatch.setattr(
        limits, "_planned", lambda *args: numbers.append(1) or original(*args)
    )
    case = Case("HINT")
    limit = int(1.1 * case.least("backward"))
    case.call("backward", limit)
    numbers.clear()
    case.call("backward", limit)
    case.call("backward", 2 * limit)
    assert numbers == []
    case.net.get_params()[0].trainable = False
    case.call("backward", limit)
    assert numbers


def test_without_a_limit_nothing_is_planned(monkeypatch):
    monkeypatch.setattr(base_limits, "_choosers", [])
    with memory.planned_by(None):
        case = Case("HINT")
        case.call("backward")


def test_plans_do_not_see_the_limit():
    case = Case("HINT")
    plan = plan_memory(case.net, case.state[0].shape)
    with memory_limit(1):
        assert plan_memory(case.net, case.state[0].shape) == plan


def test_kept_states_do_not_come_on_top():
    case = Case("Glow scales")
    limit, kept = int(1.1 * case.least("forward")), inn.KeptStates()
    with kept.recording():
        case.call("forward", limit)
        assert len(kept) == 0
        case.call("forward")
    assert len(kept) == 4
