"""Sums of the cotangents that threads found for the same parameters."""

import numpy as np
import pytest
from sharing import share_all_work
from threadpoolctl import threadpool_limits

import invertiblenetworks as inn
from invertiblenetworks.base.linearize import Collector


@pytest.fixture
def parameters(to_xp):
    return [inn.Parameter(to_xp(np.zeros(3))) for _ in range(2)]


def collected(parameter, cotangent):
    collector = Collector()
    collector(parameter, cotangent)
    return collector


@pytest.mark.parametrize("in_place", [False, True])
def test_merged(in_place, parameters, xp, to_numpy):
    own = xp.ones(3)
    first = collected(parameters[0], own)
    second = collected(parameters[0], xp.full(3, 2.0))
    second(parameters[1], xp.full(3, 5.0))
    first.merge(second, in_place)
    (_, sum_of_both), (_, only_of_second) = first.items()
    assert (sum_of_both is own) == in_place
    np.testing.assert_array_equal(to_numpy(sum_of_both), [3, 3, 3])
    np.testing.assert_array_equal(to_numpy(only_of_second), [5, 5, 5])
    np.testing.assert_array_equal(to_numpy(own), [3] * 3 if in_place else [1] * 3)


class Scale(inn.Net):
    """``y = s x`` with a number ``s``, whose gradient is no array of NumPy's."""

    _is_per_sample = True

    def __init__(self):
        self.s = inn.Parameter(np.array(2.0))

    def _linearize(self, x, cond):
        def pull(dy, add_grad):
            add_grad(self.s, (dy * x).sum())
            return self.s.data * dy, None

        return self.s.data * x, pull


def test_gradients_of_threads(rng, monkeypatch):
    share_all_work(monkeypatch)
    options = dict(n_out=2, fan=True, zero=False, dtype="float64")
    block = inn.ResidualBlock(2, 4, rng=0, **options)
    net = inn.Sequential(block, Scale())
    x, dy = rng.standard_normal((2, 6, 2, 8, 8))
    found = []
    for n_threads in (1, 2):
        layer = inn.AdditiveTransformer()
        coupling = inn.Coupling(net, layer, inn.ChannelSplit(2))
        state = np.concatenate([x, x], axis=1)
        coupling.clear_grad()
        with threadpool_limits(n_threads, user_api="blas"):
            coupling.backward(np.concatenate([dy, dy], axis=1), state)
        found.append([p.grad for p in coupling.get_params()])
    for one, two in zip(*found, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-10)


def test_only_the_class_that_says_so_gives_gradients_away():
    class Other(inn.ResidualBlock):
        """May add what somebody else holds."""

    block = inn.ResidualBlock(2, 4, rng=0)
    assert block.gives_gradients_away
    assert not Other(2, 4, rng=0).gives_gradients_away
    assert not Scale().gives_gradients_away


def test_no_third_array(rng, numpy_kernels, monkeypatch):
    """What the first thread found is the gradient itself."""
    share_all_work(monkeypatch)
    seen = []
    merge = Collector.merge

    def noted(self, other, in_place):
        seen.extend((in_place, cotangent) for _, cotangent in self.items())
        merge(self, other, in_place)

    monkeypatch.setattr(Collector, "merge", noted)
    net = inn.NetworkGlow(4, 8, L=1, K=1, rng=0)
    x = rng.standard_normal((4, 4, 8, 8)).astype("float32")
    net.forward(x)
    with threadpool_limits(2, user_api="blas"):
        net.backward(x, x)
    assert len(seen) == 5
    gradients = {id(p.grad) for p in net.get_params()}
    assert all(in_place and id(cotangent) in gradients for in_place, cotangent in seen)
