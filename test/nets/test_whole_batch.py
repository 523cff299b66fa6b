"""Nets that are called by themselves: pieces at the same time, and the same results."""

import numpy as np
import pytest
from sharing import share_all_work
from threadpoolctl import threadpool_limits

import invertiblenetworks as inn
from invertiblenetworks.kernels import memory, parts, workers

OPTIONS = {"dtype": "float64", "rng": 0, "zero": False}
NETS = {
    "3x3 1x1 3x3": (dict(k2=1, p2=0, fan=True, n_out=5), (64, 6)),
    "3x3 3x3 3x3": (dict(fan=True, n_out=5), (64, 6)),
    "gated": (dict(n_out=6), (64, 6)),
    "tanh at the end": (dict(fan=True, n_out=5, final_activation="tanh"), (64, 6)),
    "stride 2": (dict(fan=True, n_out=5, k1=4, p1=1, s1=2), (16, 8)),
    "1-D": (dict(fan=True, n_out=5, ndims=1), (64,)),
    "3-D": (dict(fan=True, n_out=5, ndims=3), (64, 3, 2)),
}


@pytest.fixture
def finely_cut(monkeypatch):
    """Function that sets the bytes of a piece, however little work it is."""
    share_all_work(monkeypatch)
    before = memory._piece_bytes.get()
    yield memory._piece_bytes.set
    memory._piece_bytes.set(before)


@pytest.fixture
def shared(monkeypatch):
    """List of how many tasks ran at the same time, where there were several."""
    numbers, run = [], workers.run

    def counting(tasks):
        if len(tasks) > 1:
            numbers.append(len(tasks))
        return run(tasks)

    monkeypatch.setattr(workers, "run", counting)
    return numbers


def results(net, x, dy, n_workers):
    with threadpool_limits(n_workers):
        y = net.forward(x)
        net.clear_grad()
        dx = net.backward(dy, x)
    return [y, dx, *net.get_grads()]


@pytest.mark.parametrize("n_samples", [1, 2, 5])
@pytest.mark.parametrize(("n_workers", "n_bytes"), [(2, 2**30), (3, 2**30), (2, 6000)])
@pytest.mark.parametrize("name", NETS)
def test_same_results(
    name,
    n_workers,
    n_bytes,
    n_samples,
    each_library,
    finely_cut,
    shared,
    rng,
    monkeypatch,
):
    monkeypatch.setattr(parts, "IMAGE_ENTRIES", 100)
    monkeypatch.setattr(parts, "FLAT_ENTRIES", 1000)
    options, spatial = NETS[name]
    net = inn.ResidualBlock(3, 4, **options, **OPTIONS)
    x = rng.standard_normal((n_samples, 3, *spatial))
    dy = rng.standard_normal(net._check_shape(x.shape, None))
    finely_cut(2**30)
    wanted = results(net, x, dy, 1)
    assert shared == []
    finely_cut(n_bytes)
    found, again = results(net, x, dy, n_workers), results(net, x, dy, n_workers)
    cuts_rows = net._reach() is not None
    if net._shares_work(x):
        assert each_library is not None
        assert shared == []
    elif n_samples > 1 or cuts_rows:
        # Twice forward, linearisation and gradient.
        assert shared == [n_workers if cuts_rows else min(n_workers, n_samples)] * 6
    for ours, one, same in zip(found, wanted, again, strict=True):
        assert ours.shape == one.shape
        np.testing.assert_allclose(ours, one, rtol=1e-11, atol=1e-11)
        assert np.array_equal(ours, same)


def test_a_coupling_cuts_the_batch_once(finely_cut, shared, rng):
    layer = inn.CouplingLayerGlow(4, 5, k2=3, p2=1, rng=0)
    x = rng.standard_normal((4, 4, 16, 8), "float32")
    layer.forward(x)
    shared.clear()
    with threadpool_limits(2):
        layer.forward(x)
    assert shared == [2]  # the coupling; its mixing is too little work


def test_nets_inside_of_others_share_too(finely_cut, shared, rng):
    block = inn.ResidualBlock(3, 4, n_out=3, fan=True, rng=0)
    net = inn.Sequential(block, inn.FunctionNet(lambda x: 2 * x, lambda dy, x: 2 * dy))
    with threadpool_limits(2):
        net.forward(rng.standard_normal((4, 3, 16, 8), "float32"))
    assert shared == [2]
