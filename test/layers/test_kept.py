"""States that a caller keeps: fewer evaluations and the same results."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from kept_cases import NETWORKS, OPTIONS, SHAPE, Case, assert_same, on_host
from randomized import randomized
from sharing import share_all_work
from threadpoolctl import threadpool_limits

import invertiblenetworks as inn
from invertiblenetworks import KeptStates
from invertiblenetworks.compose import ChannelSplit

# --- results and evaluations ----------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_same_results_with_what_was_kept(name, case):
    case, kept = case(name), KeptStates()
    wanted = case.forward_and_logdet()
    y = wanted[: len(case.x)]
    gradients = case.backward(y)
    with kept.recording():
        assert_same(case.forward_and_logdet(), wanted)
    assert len(kept) > 0
    assert kept.nbytes > 0
    with kept.replaying():
        assert_same(case.backward(y), gradients)
    assert (len(kept), kept.nbytes) == (0, 0)


@pytest.mark.parametrize("name", NETWORKS)
def test_same_results_of_the_inverse(name, case):
    case, kept = case(name), KeptStates()
    case.x = case.forward()  # What the inverse does not stretch.
    x = case.forward("inverse")
    gradients = case.backward(x, "backward_inv")
    with kept.recording():
        assert_same(case.forward("inverse"), x)
    with kept.replaying():
        assert_same(case.backward(x, "backward_inv"), gradients)
    assert (len(kept), kept.nbytes) == (0, 0)


@pytest.mark.parametrize(
    "name", [name for name, (_, number) in NETWORKS.items() if number]
)
def test_one_evaluation_of_each_conditioner_instead_of_two(name, case, evaluations):
    case, kept = case(name), KeptStates()
    n = case.n_evaluations
    y = case.forward()
    evaluations.clear()
    case.backward(case.forward())
    assert evaluations == ["_forward"] * n + ["_linearize"] * n
    evaluations.clear()
    with kept.recording():
        case.forward()
    assert (evaluations, len(kept)) == (["_linearize"] * n, n)
    evaluations.clear()
    with kept.replaying():
        case.backward(y)
    assert evaluations == []


def test_adjoint_jacobian_uses_what_was_kept(case, evaluations):
    case, kept = case("Glow"), KeptStates()
    y = case.forward()
    dx, dtheta, x = case.net.adjoint_jacobian(*case.dy, *y)
    with kept.recording():
        case.forward()
    evaluations.clear()
    with kept.replaying():
        found = case.net.adjoint_jacobian(*case.dy, *y)
    assert evaluations == []
    assert_same([found[0], *found[1], found[2]], [dx, *dtheta, x])


@pytest.mark.parametrize("n_workers", [1, 2])
@pytest.mark.parametrize("name", ["Glow", "Glow 3x3", "conditional Glow", "HINT"])
def test_several_workers(name, n_workers, case, monkeypatch):
    share_all_work(monkeypatch)
    case, kept = case(name), KeptStates()
    with threadpool_limits(n_workers):
        y = case.forward()
        gradients = case.backward(y)
        with kept.recording():
            case.forward()
        with kept.replaying():
            assert_same(case.backward(y), gradients)
    assert len(kept) == 0


def test_pieces_are_those_of_the_recording(case, monkeypatch):
    share_all_work(monkeypatch)
    case, kept = case("Glow"), KeptStates()
    y = case.forward()
    gradients = case.backward(y)
    with threadpool_limits(2), kept.recording():
        case.forward()
    with threadpool_limits(1), kept.replaying():
        assert_same(case.backward(y), gradients)


class Wasteful(inn.AffineTransformer):
    """Uses all rights to overwrite parameters that it is given."""

    def forward(self, b, p, out=None):
        result = super().forward(b, p, out)
        if out is not None:
            p[...] = 0
        return result


def test_kept_parameters_are_not_given_away(rng):
    net = inn.ResidualBlock(2, 5, n_out=4, fan=True, dtype="float64", rng=0)
    layer = randomized(inn.Coupling(net, Wasteful(), ChannelSplit(2)), rng)
    x, kept = rng.standard_normal(SHAPE), KeptStates()
    y = layer.forward(x)
    wanted = layer.backward(x, y)
    with kept.recording():
        layer.forward(x)
    with kept.replaying():
        assert_same(layer.backward(x, y), wanted)


def test_keeping_does_not_wait_for_the_device(case, device_counters):
    case, kept = case("Glow"), KeptStates(10**6)
    y = case.forward()
    case.backward(y)
    device_counters.reset()
    with kept.recording():
        case.forward()
    with kept.replaying():
        case.backward(y)
    assert device_counters.read() == (0, 0, 0)


# --- what is recorded, and what is replayed -------------------------------------------


def test_the_first_batch_is_recorded_once(to_xp, layer_to_xp, rng):
    net = layer_to_xp(inn.NetworkGlow(4, 5, L=1, K=2, **OPTIONS))
    x, kept = to_xp(rng.standard_normal(SHAPE)), KeptStates()
    with kept.recording():
        y, _ = net.forward(x)
    assert len(kept) == 2
    with kept.replaying():
        net.backward(y, y)
    assert len(kept) == 0


def test_two_calls_are_replayed_last_first(case):
    case, kept = case("Glow"), KeptStates()
    with kept.recording():
        y1 = case.forward()
        case.x = [2 * x for x in case.x]
        y2 = case.forward()
    for y in (y2, y1):
        wanted = case.backward(y)
        with kept.replaying():
            assert_same(case.backward(y), wanted)
    assert len(kept) == 0


def test_what_was_not_recorded_is_recomputed(case, evaluations):
    case, other, kept = case("Glow"), case("Glow"), KeptStates()
    y = case.forward()
    gradients, inverse = case.backward(y), case.backward(y, "backward_inv")
    with kept.recording():
        other.forward()
    n_bytes = kept.nbytes
    evaluations.clear()
    with kept.replaying():  # Another network,
        assert_same(case.backward(y), gradients)
    assert (evaluations, kept.nbytes) == (["_linearize"] * 4, n_bytes)
    with kept.recording():
        case.forward()
    with kept.replaying():  # the other direction,
        assert_same(case.backward(y, "backward_inv"), inverse)
        assert len(kept) == 4
        case.backward(y)
        assert_same(case.backward(y), gradients)  # and the second time.


def test_outside_of_the_blocks_nothing_happens(case, evaluations):
    case, kept = case("Glow"), KeptStates()
    with kept.recording():
        y = case.forward()
        case.backward(y)
        case.net.jacobian(*case.dy, None, *case.x)
    assert len(kept) == 4
    case.forward()
    evaluations.clear()
    case.backward(y)
    with kept.replaying():
        case.forward()
    assert evaluations == ["_linearize"] * 4 + ["_forward"] * 4
    assert len(kept) == 4


@pytest.mark.parametrize("method", ["backward", "backward_inv"])
def test_another_shape_is_refused(method, case, to_xp):
    case, kept = case("Glow"), KeptStates()
    record = "forward" if method == "backward" else "inverse"
    case.x = case.x if method == "backward" else case.forward()
    with kept.recording():
        y = case.forward(record)
    smaller = [part[:2] for part in (*case.dy, *y)]
    with (
        kept.replaying(),
        pytest.raises(
            ValueError, match=rf"NetworkGlow\.{method}: expected arrays like"
        ),
    ):
        getattr(case.net, method)(*smaller)
    assert len(kept) == 4  # Nothing is lost.
    wanted = case.backward(y, method)
    with kept.replaying():
        assert_same(case.backward(y, method), wanted)


def test_networks_one_after_the_other(rng):
    """The first one gets what the second has recomputed, which is not the same."""
    first, second = (Case("Glow", *on_host).net for _ in range(2))
    x = rng.standard_normal(SHAPE)
    kept = KeptStates()
    with kept.recording():
        z, _ = second.forward(first.forward(x)[0])
    with kept.replaying():
        _, x_again = first.backward(*second.backward(z, z))
    assert len(kept) == 0
    np.testing.assert_allclose(x_again, x, atol=1e-9)


def test_couplings_inside_of_a_conditioner(rng):
    """Their gradient belongs to the conditioner and is not kept apart."""
    inner = inn.Coupling(
        inn.ResidualBlock(1, 3, n_out=2, fan=True, dtype="float64", rng=0),
        inn.AffineTransformer(),
        ChannelSplit(1),
    )
    outer = inn.Coupling(inn.AsNet(inner), inn.AdditiveTransformer(), ChannelSplit(2))
    layer, kept = randomized(outer, rng), KeptStates()
    x = rng.standard_normal(SHAPE)
    y = layer.forward(x)
    wanted = layer.backward(x, y)
    with kept.recording():
        layer.forward(x)
    assert len(kept) == 1
    with kept.replaying():
        assert_same(layer.backward(x, y), wanted)


def test_threads_have_recordings_of_their_own(case):
    cases = [case("Glow"), case("Glow")]
    shared = cases[0].net
    cases[1].net = shared
    cases[1].x = [2 * x for x in cases[1].x]
    results, meet = {}, threading.Barrier(2)

    def step(i):
        kept = KeptStates()
        with kept.recording():
            meet.wait(10)
            y = cases[i].forward()
            meet.wait(10)
        n = len(kept)
        with kept.replaying():
            dx, dtheta, x = shared.adjoint_jacobian(*cases[i].dy, *y)
        results[i] = n, len(kept), [dx, *dtheta, x]

    threads = [threading.Thread(target=step, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(2):
        y = cases[i].forward()
        dx, dtheta, x = shared.adjoint_jacobian(*cases[i].dy, *y)
        assert results[i][:2] == (4, 0)
        assert_same(results[i][2], [dx, *dtheta, x])


@pytest.mark.parametrize(
    ("limit", "error"),
    [
        *((limit, ValueError) for limit in (-1, "much", "-1 GB", 10**400, np.inf)),
        *((limit, TypeError) for limit in (True, False, 1j, [1])),
    ],
)
def test_limits_are_checked(limit, error):
    with pytest.raises(error, match=r"KeptStates: expected .* number of bytes"):
        KeptStates(limit)


@pytest.mark.parametrize("second", ["recording", "replaying"])
@pytest.mark.parametrize("first", ["recording", "replaying"])
def test_one_object_serves_one_block_at_a_time(first, second, case):
    case, kept = case("Glow"), KeptStates()
    with kept.recording():
        case.forward()
    n = len(kept)
    with getattr(kept, first)():
        n = 0 if first == "recording" else n
        other = getattr(kept, second)()
        with pytest.raises(RuntimeError, match=f"KeptStates.{second}: .* no other"):
            other.__enter__()
        assert len(kept) == n
    with kept.recording():
        pass


def test_a_limit_may_have_a_unit():
    assert KeptStates("1.5 kB").limit == KeptStates(1500).limit == 1500
    assert KeptStates("0 B").limit == KeptStates(0).limit == 0


def test_it_is_true_also_when_empty():
    assert KeptStates()


def test_it_says_what_it_has():
    assert repr(KeptStates()) == "<KeptStates: 0.0 MiB, 0 evaluations>"
    kept = KeptStates("1 MiB")
    net = inn.NetworkGlow(4, 8, L=1, K=2, rng=0)
    with kept.recording():
        net.forward(np.ones((2, 4, 16, 16), "float32"))
    mebibytes = f"{kept.nbytes / 2**20:.1f}"
    wanted = f"<KeptStates: {mebibytes} of at most 1.0 MiB, 2 evaluations>"
    assert repr(kept) == wanted
