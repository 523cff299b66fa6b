"""Batches cut into pieces for several workers: the results are those of one piece."""

import numpy as np
import pytest
from sharing import share_all_work
from threadpoolctl import threadpool_limits

import invertiblenetworks as inn
from invertiblenetworks.base import pieces
from invertiblenetworks.kernels import memory, workspace
from invertiblenetworks.kernels.activations import galu, galu_grad

SHAPE = (5, 4, 64, 6)


class Gate(inn.Net):
    """Net whose cotangents are views of what a public function returns."""

    _is_per_sample = gives_result_away = True

    def _linearize(self, x, cond):
        gated = np.concatenate([x, -np.ones_like(x)], axis=1)

        def pull(dy, add_grad):
            return galu_grad(dy, gated)[:, : x.shape[1]], None

        return galu(gated), pull

    def _check_shape(self, shape, cond_shape):
        return shape

    def _n_weights(self):
        return 10

    def _held(self, shape, gradient):
        return 3 * shape[1] * shape[2] * shape[3]


NETWORKS = {
    "gate": lambda dtype, rng, **o: inn.Coupling(
        Gate(), inn.AdditiveTransformer(), inn.ChannelSplit(2), **o
    ),
    "Glow": lambda **o: inn.NetworkGlow(4, 6, L=1, K=2, **o),
    "Glow 3x3": lambda **o: inn.NetworkGlow(4, 6, L=1, K=1, k2=3, p2=1, **o),
    "Glow tanh": lambda **o: inn.NetworkGlow(
        4, 6, L=1, K=1, final_activation="tanh", block_activation="sigmoid", **o
    ),
    "Glow scales": lambda **o: inn.NetworkGlow(4, 6, L=1, K=1, split_scales=True, **o),
    "HINT": lambda **o: inn.CouplingLayerHINT(4, 6, permute="full", **o),
    "i-RIM": lambda **o: inn.CouplingLayerIRIM(4, 6, k1=2, s1=2, **o),
    "conditional Glow": lambda **o: inn.ConditionalLayerGlow(4, 4, 6, **o),
}


@pytest.fixture
def finely_cut(monkeypatch):
    """Function that sets the number of workers and the bytes of a piece."""
    share_all_work(monkeypatch)
    before = memory._piece_bytes.get()

    def cut(n_bytes):
        memory._piece_bytes.set(n_bytes)

    yield cut
    memory._piece_bytes.set(before)


def results(net, shape, n_workers):
    """Everything that a step of training, or an inverse one, returns."""
    rng = np.random.default_rng(1)
    cond = (rng.standard_normal(shape),) if net.cond_kind == "array" else ()
    x, dy = rng.standard_normal((2, *shape))
    with threadpool_limits(n_workers):
        y = net.forward(x, *cond)
        y = y[0] if isinstance(y, tuple) else y
        found = [y, net.inverse(x, *cond), net.log_abs_det(x, *cond)]
        for method in (net.backward, net.backward_inv):
            net.clear_grad()
            found += [*method(dy, y, *cond), *net.get_grads()]
    return found


def randomized(name):
    net = NETWORKS[name](dtype="float64", rng=2, logdet=True)
    rng = np.random.default_rng(3)
    for parameter in net.get_params():
        if parameter.initialized:
            moved = 0.3 * rng.standard_normal(parameter.shape)
            parameter.set(parameter.data + moved)
    first = rng.standard_normal(SHAPE)
    return net.initialize(first, *([first] if net.cond_kind == "array" else []))


@pytest.mark.parametrize("n_samples", [1, 2, 5])
@pytest.mark.parametrize(("n_workers", "n_bytes"), [(2, 2**30), (3, 2**30), (2, 6000)])
@pytest.mark.parametrize("name", NETWORKS)
def test_same_results_for_all_pieces(name, n_workers, n_bytes, n_samples, finely_cut):
    net, shape = randomized(name), (n_samples, *SHAPE[1:])
    finely_cut(2**30)
    whole = results(net, shape, 1)
    finely_cut(n_bytes)
    cut = results(net, shape, n_workers)
    again = results(net, shape, n_workers)
    for a, b, c in zip(whole, cut, again, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-11, atol=1e-12 * np.abs(a).max())
        np.testing.assert_array_equal(c, b)  # Deterministic for these workers.


def in_workspaces(array):
    stores = workspace._here.stores
    kept = [m for store in stores for m in [*store.by_role.values(), *store.free]]
    return any(np.may_share_memory(array, memory) for memory in kept)


@pytest.mark.parametrize("n_bytes", [2**30, 6000])
@pytest.mark.parametrize("name", NETWORKS)
def test_no_result_is_in_memory_that_is_used_again(name, n_bytes, finely_cut):
    net = randomized(name)
    finely_cut(n_bytes)
    for value in results(net, SHAPE, 2):
        for array in value if isinstance(value, tuple) else [value]:
            assert not in_workspaces(np.asarray(array))
    assert in_workspaces(workspace.scratch("role", (4,), np.zeros(1)))


def cut_of(net, shape, n_workers, *, gradient=True):
    with threadpool_limits(n_workers):
        return pieces.share(net, np.empty(shape), gradient=gradient)


@pytest.fixture
def net(numpy_kernels):
    """A net that leaves its threads to those who cut batches."""
    return inn.ResidualBlock(2, 4, k2=1, p2=0, fan=True, rng=0, dtype="float64")


def test_samples_are_shared_evenly(net, finely_cut):
    shares = cut_of(net, (8, 2, 16, 6), 2)
    assert shares == [[pieces.Piece(slice(0, 4))], [pieces.Piece(slice(4, 8))]]


def test_few_samples_are_cut_into_rows(net, finely_cut):
    shares = cut_of(net, (1, 2, 16, 6), 2)
    first, second = shares[0][0], shares[1][0]
    assert (first.rows, first.seen) == (slice(0, 8), slice(0, 10))
    assert (second.rows, second.seen) == (slice(8, 16), slice(6, 16))
    assert [len(share) for share in cut_of(net, (3, 2, 16, 6), 2)] == [3, 3]


@pytest.mark.parametrize("n_workers", [1, 2])
def test_pieces_hold_what_they_may(n_workers, net, finely_cut):
    held = 2 * 16 * 6 * 4 * 8  # Two hidden states of one sample.
    finely_cut(6 * held)  # Of which several samples take half.
    shares = cut_of(net, (16, 2, 16, 6), n_workers)
    assert max(p.samples.stop - p.samples.start for s in shares for p in s) == 3
    finely_cut(held)  # A single sample may take all of it.
    shares = cut_of(net, (2, 2, 16, 6), n_workers)
    assert all(p.rows is None for s in shares for p in s)
    finely_cut(held)
    shares = cut_of(net, (2, 2, 32, 6), n_workers)  # Which could be cut in four.
    assert {p.rows.stop - p.rows.start for s in shares for p in s} == {16}
    # Without a gradient no hidden state is held.
    assert cut_of(net, (2, 2, 16, 6), 1, gradient=False) == [
        [pieces.WholeBatch(slice(0, 2))]
    ]


@pytest.mark.parametrize("k2", [1, 3])
def test_hidden_states_of_strided_nets_have_their_own_size(k2, finely_cut):
    """They are two, and two more in a gradient, whatever the second convolution."""
    window = dict(k1=4, s1=4, p1=0, k2=k2, p2=k2 // 2)
    net = inn.ResidualBlock(2, 4, **window, fan=True, rng=0, dtype="float64")
    state = 4 * 2 * 4 * 8  # Bytes: channels and pixels of one sample, in float64.
    for gradient, n_states in ((False, 2), (True, 4)):
        finely_cut(2 * n_states * state)  # Of which several samples take half.
        assert len(cut_of(net, (6, 2, 16, 8), 1, gradient=gradient)[0]) == 6
        finely_cut(6 * n_states * state)
        assert len(cut_of(net, (6, 2, 16, 8), 1, gradient=gradient)[0]) == 2


def test_a_device_fills_its_room(net, layer_to_xp, xp, finely_cut):
    per_sample = 2 * 16 * 6 * 4 * 8
    finely_cut(per_sample // 4)  # And 32 times as much on a device.
    on_device = xp is not np
    x = xp.empty((16, 2, 16, 6))
    shares = pieces.share(layer_to_xp(net), x, gradient=True)
    sizes = {p.samples.stop - p.samples.start for s in shares for p in s}
    assert sizes == ({8} if on_device else {1})


def test_nets_of_others_see_the_whole_batch(finely_cut):
    seen = []

    def identity(x):
        seen.append(x.shape)
        return x

    net = inn.FunctionNet(identity, lambda dy, x: dy, lambda dx, x: dx)
    layer = inn.CouplingLayerBasic(net, coupling="additive")
    x = np.ones((6, 2, 4, 4))
    with threadpool_limits(3):
        layer.forward(x, x)
    assert seen == [(6, 2, 4, 4)]


def test_small_work_is_not_shared(net):
    assert len(cut_of(net, (8, 2, 16, 6), 2)) == 1


def test_a_gradient_counts_as_three_evaluations(net, monkeypatch):
    work = 8 * 16 * 6 * (2 * 9 * 4 + 4 * 4 + 4 * 4 * 9)
    monkeypatch.setattr(pieces, "LEAST_WORK", work)
    assert len(cut_of(net, (8, 2, 16, 6), 4, gradient=False)) == 1
    assert len(cut_of(net, (8, 2, 16, 6), 4)) == 3


@pytest.mark.usefixtures("compiled_library")
def test_compiled_nets_share_their_work_themselves(finely_cut):
    """Batches are cut for memory only: that which all threads may have."""
    net = inn.ResidualBlock(2, 4, k2=1, p2=0, fan=True, rng=0, dtype="float64")
    held = 2 * 16 * 6 * 4 * 8  # Two hidden states of one sample.
    joined = inn.ConcatCond(inn.ResidualBlock(4, 4, k2=1, p2=0, rng=0, dtype="float64"))
    for one in (net, joined):
        for n_workers in (1, 2):
            finely_cut(2**30)
            assert cut_of(one, (16, 2, 16, 6), n_workers) == [
                [pieces.WholeBatch(slice(0, 16))]
            ]
            finely_cut(4 * held)  # Of which several samples take half.
            (share,) = cut_of(one, (16, 2, 16, 6), n_workers)
            sizes = {p.samples.stop - p.samples.start for p in share}
            assert sizes == {2 * n_workers}


@pytest.mark.usefixtures("compiled_library")
def test_other_nets_do_not():
    x = np.zeros((2, 2, 8, 8), "float32")
    for options in (dict(k2=3), dict(activation="exp_clamp")):
        options = {"k2": 1, "p2": 0, **options}
        options["p2"] = options["k2"] // 2
        assert not inn.ResidualBlock(2, 4, rng=0, **options)._shares_work(x)
