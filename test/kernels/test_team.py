"""Threads of compiled functions: same results, whoever calls and however many."""

from __future__ import annotations

import copy
import os
import threading
import time

import numpy as np
import pytest
from sharing import share_all_work
from threadpoolctl import threadpool_limits

import invertiblenetworks as inn
from invertiblenetworks.kernels import workers
from invertiblenetworks.kernels.compiled import shapes
from invertiblenetworks.kernels.compiled.library import functions

pytestmark = pytest.mark.usefixtures("compiled_library")


class Block:
    """Arrays of a compiled block, called as the package calls it."""

    def __init__(self, rng, n, spatial, channels, margin, dtype, n_panels=2):
        n_in, n_hidden, n_out = channels
        kernel = tuple(2 * m + 1 for m in margin)
        of = dict(dtype=dtype)
        self.functions = functions(np.dtype(dtype))
        self.x = rng.standard_normal((n, n_in, *spatial)).astype(**of)
        self.dy = rng.standard_normal((n, n_out, *spatial)).astype(**of)
        sizes = [(n_hidden, n_in, *kernel), n_hidden, (n_hidden, n_hidden)]
        sizes += [n_hidden, (n_hidden, n_out, *kernel)]
        self.parameters = [rng.standard_normal(s).astype(**of) for s in sizes]
        self.margin, self.n_hidden, self.n_panels = margin, n_hidden, n_panels

    def results(self, n_parts):
        x, dy, (w1, b1, w2, b2, w3) = self.x, self.dy, self.parameters
        sizes = self.margin, self.n_hidden, self.n_panels, n_parts
        shape, f = shapes.shape_of(x, dy, *sizes), self.functions
        states = _aligned(f.n_states(shape), x)
        size = max(f.memory_forward(shape), f.memory_backward(shape))
        memory = _aligned(size, x)
        y, dx = np.full_like(dy, np.nan), np.full_like(x, np.nan)
        gradients = [np.full_like(p, np.nan) for p in self.parameters]
        f.forward(shape, x, w1, b1, w2, b2, w3, y, states, memory, 0.1)
        arrays = (x, dy, w1, w2, w3, states, dx, *gradients, memory)
        f.backward(shape, *arrays, 0.1)
        return [y, dx, *gradients]


def _aligned(size, like):
    room = np.full(size + 64, np.nan, like.dtype)
    start = -(room.ctypes.data // room.itemsize) % (64 // room.itemsize)
    return room[start : start + size]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_any_number_of_parts(rank, dtype):
    """Whole samples, or pieces of them, whose windows reach into each other."""
    rng = np.random.default_rng(rank)
    for _ in range(60):
        n = int(rng.integers(1, 9))
        spatial = tuple(map(int, rng.integers(1, [90, 22, 9][rank - 1], rank)))
        channels = tuple(map(int, rng.integers(1, 6, 3)))
        margin = tuple(map(int, rng.integers(0, 2, rank)))
        block = Block(rng, n, spatial, channels, margin, dtype)
        one, n_parts = block.results(1), int(rng.integers(2, 8))
        several, again = block.results(n_parts), block.results(n_parts)
        for a, b, c in zip(one, several, again, strict=True):
            atol = 500 * np.finfo(dtype).eps * (1 + np.abs(a).max())
            np.testing.assert_allclose(b, a, rtol=0, atol=atol)
            np.testing.assert_array_equal(c, b)


def test_more_parts_than_pixels(rng):
    block = Block(rng, 1, (3,), (2, 3, 2), (1,), "float64")
    for a, b in zip(block.results(1), block.results(50), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-13, atol=1e-13)


def step(net, x):
    net.clear_grad()
    z, _ = net.forward(x)
    dx, x_again = net.backward(z / len(z), z)
    return [z, dx, x_again, *net.get_grads()]


@pytest.fixture
def glow(rng, monkeypatch):
    """A network, its input, and what a step returns on three threads."""
    share_all_work(monkeypatch)
    net = inn.NetworkGlow(3, 12, L=2, K=2, split_scales=True, rng=0)
    x = rng.standard_normal((5, 3, 16, 16)).astype("float32")
    net.initialize(x)
    for parameter in net.get_params():
        moved = 0.1 * rng.standard_normal(parameter.shape)
        parameter.set(parameter.data + moved.astype("float32"))
    with threadpool_limits(3, user_api="blas"):
        return net, x, step(net, x)


def test_several_callers_at_a_time(glow):
    """One has the threads, the others do all by themselves: the same bits."""
    net, x, wanted = glow
    differing = []

    def work(net):
        for _ in range(20):
            for a, b in zip(step(net, x), wanted, strict=True):
                if not np.array_equal(a, b):
                    differing.append(a.shape)

    nets = [copy.deepcopy(net) for _ in range(4)]
    threads = [threading.Thread(target=work, args=(own,)) for own in nets]
    with threadpool_limits(3, user_api="blas"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert differing == []


def test_after_a_rest(glow):
    """Threads that sleep are woken."""
    net, x, wanted = glow
    with threadpool_limits(3, user_api="blas"):
        for pause in (0.0, 0.002, 0.1):
            time.sleep(pause)
            for a, b in zip(step(net, x), wanted, strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forked_processes_have_threads_of_their_own(glow):
    net, x, wanted = glow
    with threadpool_limits(3, user_api="blas"):
        step(net, x)
        child = os.fork()
        if child == 0:
            try:
                pairs = zip(step(net, x), wanted, strict=True)
                os._exit(0 if all(np.array_equal(a, b) for a, b in pairs) else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        for a, b in zip(step(net, x), wanted, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("threads", [(3, 1), (1, 3), (2, 3)])
def test_kept_states_and_another_number_of_threads(threads, glow):
    """States are laid out for the threads that they were found by."""
    net, x, wanted = glow
    kept = inn.KeptStates("10 MiB")
    net.clear_grad()
    with threadpool_limits(threads[0], user_api="blas"), kept.recording():
        z, _ = net.forward(x)
    assert kept.nbytes > 0
    with threadpool_limits(threads[1], user_api="blas"), kept.replaying():
        dx, x_again = net.backward(z / len(z), z)
    for a, b in zip([z, dx, x_again, *net.get_grads()], wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-3 * np.abs(b).max())


def test_threads_are_as_many_as_blas_may_have(glow, monkeypatch):
    net, x, _ = glow
    asked = []

    def noted(n_multiplications, n_parts=workers.n_parts):
        asked.append(n_parts(n_multiplications))
        return asked[-1]

    monkeypatch.setattr(workers, "n_parts", noted)
    for limit in (1, 2, 3):
        asked.clear()
        with threadpool_limits(limit, user_api="blas"):
            step(net, x)
        assert set(asked) == {limit}
