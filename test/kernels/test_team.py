"""Threads of compiled functions: same results, whoever calls and however many."""

from __future__ import annotations

import copy
import ctypes
import itertools
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from sharing import share_all_work
from threadpoolctl import threadpool_limits

import invertiblenetworks as inn
from invertiblenetworks.kernels import workers
from invertiblenetworks.kernels.activation_base import KINDS
from invertiblenetworks.kernels.compiled import library, shapes
from invertiblenetworks.kernels.compiled.block import ACTIVATIONS
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
        self.kernel, self.n_hidden, self.n_panels = kernel, n_hidden, n_panels
        # Of any kind; a slope below 0, or the ends of a range.
        self.activation = (KINDS.index(rng.choice(ACTIVATIONS)), 0.1, 0.9)

    def results(self, n_parts):
        x, dy, (w1, b1, w2, b2, w3) = self.x, self.dy, self.parameters
        tile = shapes.Tile(self.n_panels * x.itemsize, n_rows=1, width=1)
        sizes = self.kernel, self.n_hidden, tile, n_parts
        shape, f = shapes.shape_of(x, dy, *sizes), self.functions
        states = _aligned(f.n_states(shape), x)
        size = max(f.memory_forward(shape), f.memory_backward(shape))
        memory = _aligned(size, x)
        y, dx = np.full_like(dy, np.nan), np.full_like(x, np.nan)
        gradients = [np.full_like(p, np.nan) for p in self.parameters]
        f.forward(shape, x, w1, b1, w2, b2, w3, y, states, memory, *self.activation)
        arrays = (x, dy, w1, w2, w3, states, dx, *gradients, memory)
        f.backward(shape, *arrays, *self.activation)
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


def number_of_parts(block, n_asked):
    """How many there are: each has memory of its own, as each of two samples has."""
    f, x, dy = block.functions, block.x, block.dy

    def memory(n_samples, n_parts):
        images = (np.repeat(a[:1], n_samples, axis=0) for a in (x, dy))
        tile = shapes.Tile(1, n_rows=1, width=1)
        sizes = block.kernel, block.n_hidden, tile, n_parts
        return f.memory_forward(shapes.shape_of(*images, *sizes))

    own = memory(2, 2) - memory(2, 1)
    return 1 + (memory(1, n_asked) - memory(1, 1)) // own


def numbers_written(spatial, lanes, n_chunks):
    """Of each chunk of an image, the pixels that windows of three each way reach."""
    planes, height, width = (1, *spatial)[-3:]
    has_pairs = height > 1 and width % lanes == 0
    n = planes * (-(-height // 2) if has_pairs else height) * width
    starts = [n * chunk // n_chunks // lanes * lanes for chunk in range(n_chunks)] + [n]
    pixels = np.arange(planes * height * width).reshape(planes, height, width)
    for first, last in itertools.pairwise(starts):
        written = set()
        for place in range(first, last):
            row, x = divmod(place, width)
            plane, line = divmod(row, -(-height // 2) if has_pairs else height)
            lines = (2 * line - 1, 2 * line + 3) if has_pairs else (line - 1, line + 2)
            near = [(plane - 1, plane + 2), lines, (x - 1, x + 2)]
            written.update(pixels[tuple(slice(max(a, 0), b) for a, b in near)].flat)
        yield written


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "spatial", [(18, 64), (7, 16), (40, 20), (12, 8, 32), (5, 6, 10)], ids=str
)
def test_parts_at_the_same_time_write_to_other_pixels(spatial, dtype, rng):
    """And an image of a few lines, as a memory limit leaves them, has several."""
    block = Block(rng, 1, spatial, (2, 8, 3), (1,) * len(spatial), dtype)
    lanes = block.functions.width // 3
    counts = {number_of_parts(block, n_asked) for n_asked in range(1, 40)}
    assert counts == set(range(1, max(counts) + 1))
    for n_parts in counts - {1}:
        written = list(numbers_written(spatial, lanes, 2 * n_parts))
        for first in (0, 1):  # the chunks of each phase
            for a, b in itertools.pairwise(written[first::2]):
                assert a.isdisjoint(b)
    least = {(18, 64): 3, (40, 20): 4, (12, 8, 32): 2}
    assert max(counts) >= least.get(spatial, 1)


def step(net, x):
    net.clear_grad()
    z, _ = net.forward(x)
    dx, x_again = net.backward(z / len(z), z)
    return [z, dx, x_again, *net.get_grads()]


@pytest.fixture
def glow(rng, monkeypatch):
    """A network, its input, and what a step returns on three threads."""
    share_all_work(monkeypatch)
    options = dict(split_scales=True, dtype="float64", rng=0)
    net = inn.NetworkGlow(3, 12, L=2, K=2, **options)
    x = rng.standard_normal((5, 3, 64, 64))
    net.initialize(x)
    for parameter in net.get_params():
        parameter.set(parameter.data + 0.1 * rng.standard_normal(parameter.shape))
    with threadpool_limits(3, user_api="blas"):
        return net, x, step(net, x)


def test_several_callers_at_a_time(glow):
    """One has the threads, the others do all by themselves: the same bits."""
    net, x, wanted = glow
    differing = []

    def work(net):
        for _ in range(5):
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


def parts_of_helpers(name):
    function = library.load(name).parts_of_helpers
    function.restype = ctypes.c_int64
    return function()


def helped(name, do, patience=200):
    """Whether threads have done a part for `do`, which is repeated until they have.

    A caller that is alone on its processor may be done before they look.
    """
    before = parts_of_helpers(name)
    for _ in range(patience):
        do()
        if parts_of_helpers(name) > before:
            return True
    return False


def test_threads_help(glow, compiled_library):
    net, x, _ = glow
    with threadpool_limits(1, user_api="blas"):
        assert not helped(compiled_library, lambda: step(net, x), patience=3)
    with threadpool_limits(3, user_api="blas"):
        assert helped(compiled_library, lambda: step(net, x))


def test_after_a_rest(glow, compiled_library):
    """Threads that sleep are woken."""
    net, x, wanted = glow

    def rest_and_step():
        time.sleep(0.02)
        for a, b in zip(step(net, x), wanted, strict=True):
            np.testing.assert_array_equal(a, b)

    with threadpool_limits(3, user_api="blas"):
        rest_and_step()
        assert helped(compiled_library, rest_and_step)


def test_no_more_threads_than_parts(rng, compiled_library):
    """Those that helped in a larger call sleep on in smaller ones."""
    block = Block(rng, 8, (24, 24), (2, 8, 3), (1, 1), "float32")
    block.results(8)
    time.sleep(0.05)
    awake = threads_with_work(lambda: [block.results(2) for _ in range(300)])
    assert len(awake) <= 2


def threads_with_work(do):
    """Threads of this process whose processor time grew, but for a tick or two."""
    before = ticks()
    do()
    after = ticks()
    return [task for task in after if after[task] > before.get(task, 0) + 2]


def ticks():
    """Processor time of each thread, in hundredths of a second."""
    found = {}
    for stat in Path("/proc/self/task").glob("*/stat"):
        fields = stat.read_text().rsplit(")", 1)[1].split()
        found[stat.parent.name] = int(fields[11]) + int(fields[12])
    return found


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forked_processes_have_threads_of_their_own(glow, compiled_library):
    net, x, wanted = glow
    with threadpool_limits(3, user_api="blas"):
        step(net, x)
        child = os.fork()
        if child == 0:
            try:
                pairs = zip(step(net, x), wanted, strict=True)
                same = all(np.array_equal(a, b) for a, b in pairs)
                do_help = helped(compiled_library, lambda: step(net, x))
                os._exit(0 if same and do_help else 1)
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
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10 * (1 + np.abs(b).max()))


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
