"""States that a caller keeps: how much they are, and when they are let go."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
from kept_cases import Case, assert_same, on_host

import invertiblenetworks as inn
from invertiblenetworks import KeptStates
from invertiblenetworks.base.held_bytes import held_bytes
from invertiblenetworks.compose import ChannelSplit
from invertiblenetworks.kernels.workspace import LINE, release_workspaces


def test_what_was_kept_does_not_change_with_the_input(case):
    case, kept = case("pair"), KeptStates()
    y = case.forward()
    gradients = case.backward(y)
    with kept.recording():
        case.forward()
    for x in case.x:
        x[...] = 0
    with kept.replaying():
        assert_same(case.backward(y), gradients)


def test_nothing_is_on_the_layers(case):
    case, kept = case("Glow"), KeptStates()
    seen, layers = [], [case.net]
    for layer in layers:
        seen.append(dict(vars(layer)))
        parts = [
            part
            for value in vars(layer).values()
            for part in (value if isinstance(value, list) else [value])
        ]
        layers += [part for part in parts if isinstance(part, inn.Layer)]
    with kept.recording():
        y = case.forward()
    assert [vars(layer) for layer in layers] == seen
    with kept.replaying():
        case.backward(y)
    assert [vars(layer) for layer in layers] == seen


def pulls(kept):
    return [
        pull
        for entry in kept._entries
        if entry.states is not None
        for _, pull in entry.states.values()
    ]


def record_with_an_error(kept, case):
    with kept.recording():
        case.forward()
        case.net.forward(case.x[0][:, :3])


@pytest.mark.parametrize("how", ["backward", "clear", "record again", "error"])
def test_memory_is_let_go(how, case):
    case, kept = case("Glow"), KeptStates()
    with kept.recording():
        y = case.forward()
    alive = weakref.WeakSet(pulls(kept))
    assert len(alive) == 4
    if how == "backward":
        with kept.replaying():
            case.backward(y)
    elif how == "clear":
        kept.clear()
    elif how == "record again":
        with kept.recording():
            assert (len(kept), kept.nbytes) == (0, 0)
    else:
        with pytest.raises(ValueError, match="shape"):
            record_with_an_error(kept, case)
    assert len(alive) == 0
    assert (len(kept), kept.nbytes) == (0, 0)


def test_backward_frees_layer_by_layer(case, monkeypatch):
    case, kept = case("Glow"), KeptStates()
    with kept.recording():
        y = case.forward()
    lengths, original = [], inn.Coupling._backward

    def observed(self, *arguments):
        lengths.append(len(kept))
        return original(self, *arguments)

    monkeypatch.setattr(inn.Coupling, "_backward", observed)
    with kept.replaying():
        case.backward(y)
    assert lengths == [4, 3, 2, 1]


@pytest.mark.parametrize("name", ["Glow", "HINT scales", "hyperbolic", "pair"])
@pytest.mark.parametrize("part", [0, 0.3, 0.6, 1])
def test_limit(name, part, case, monkeypatch):
    release_workspaces()
    case, everything = case(name), KeptStates()
    y = case.forward()
    gradients = case.backward(y)
    with everything.recording():
        case.forward()
    kept = KeptStates(part * everything.nbytes)
    original, sizes = inn.Coupling._apply, []

    def observed(self, *arguments):
        result = original(self, *arguments)
        sizes.append(kept.nbytes)
        return result

    monkeypatch.setattr(inn.Coupling, "_apply", observed)
    with kept.recording():
        case.forward()
    assert max(sizes) <= kept.limit
    assert len(kept) <= len(everything)
    with kept.replaying():
        assert_same(case.backward(y), gradients)
    assert (len(kept), kept.nbytes, kept._entries) == (0, 0, [])


@pytest.mark.parametrize(("limit", "searches"), [(None, 0), ("1 TB", 4)])
def test_bytes_are_counted_only_if_asked_for(case, monkeypatch, limit, searches):
    case, kept, seen = case("Glow"), KeptStates(limit), []

    def counted(*arguments):
        seen.append(arguments)
        return held_bytes(*arguments)

    monkeypatch.setattr("invertiblenetworks.base.kept.held_bytes", counted)
    with kept.recording():
        y = case.forward()
    assert len(kept) == 4
    assert len(seen) == searches
    assert kept.nbytes == kept.nbytes > 0
    assert len(seen) == 4
    with kept.replaying():
        case.backward(y)
    assert kept.nbytes == 0
    assert len(seen) == 4


def test_memory_of_fine_scales_is_not_kept_for_coarse_ones(case):
    case, kept = case("Glow"), KeptStates()
    release_workspaces()
    with kept.recording():
        case.forward()
    sizes = [entry.n_bytes for entry in kept._entries]
    kept.clear()
    assert sizes[0] > sizes[-1]
    kept.limit = sum(sizes[2:])
    for _ in range(2):
        release_workspaces()
        with kept.recording():
            case.forward()
        assert [entry.n_bytes for entry in kept._entries] == [0, 0, *sizes[2:]]


def test_what_is_kept_does_not_depend_on_calls_before(case):
    small, large, kept = case("Glow"), case("Glow"), KeptStates()
    large.x = [np.concatenate([part] * 8) for part in large.x]
    release_workspaces()
    with kept.recording():
        small.forward()
    n_bytes = kept.nbytes
    kept.clear()
    release_workspaces()
    with kept.recording():
        large.forward()
        large.forward()
    kept.clear()
    with kept.recording():
        small.forward()
    assert n_bytes <= kept.nbytes <= 2 * n_bytes


def test_the_last_ones_are_kept(case, evaluations):
    case, everything = case("Glow 3x3"), KeptStates()
    with everything.recording():
        y = case.forward()
    kept = KeptStates(0.7 * everything.nbytes)
    with kept.recording():
        case.forward()
    assert len(kept) == 1
    assert kept._entries[-1].states is not None
    assert kept._entries[0].states is None
    evaluations.clear()
    with kept.replaying():
        case.backward(y)
    assert evaluations == ["_linearize"]


def test_what_cannot_fit_is_not_linearised(case, evaluations):
    case, kept = case("Glow"), KeptStates(0)
    evaluations.clear()
    with kept.recording():
        case.forward()
    assert evaluations == ["_forward"] * 4


def test_bytes_are_those_of_hidden_states_and_parameters(rng, numpy_kernels):
    """Counted for vectors, where there are no margins and no tiles."""
    inn.release_workspaces()  # A lease takes memory that is too large, too.
    n, n_hidden = 6, 5
    net = inn.ResidualBlock(2, n_hidden, n_out=4, fan=True, ndims=0, dtype="float64")
    layer = inn.Coupling(net, inn.AffineTransformer(), ChannelSplit(2))
    kept = KeptStates()
    with kept.recording():
        layer.forward(rng.standard_normal((n, 4)))
    row_of_ones = 1
    values = 2 + 2 * n_hidden + row_of_ones + 4
    assert kept.nbytes == 8 * n * values + LINE


def test_bytes_that_functions_hold():
    ones, parameter = np.ones((4, 4)), inn.Parameter(np.ones(3))

    class Holder:
        __slots__ = "array"

        def __init__(self, array):
            self.array = array

        def method(self, x):
            return self.array * x

    def keyword(x, *, factor=ones[0]):
        return factor * x

    value = [Holder(ones.T).method, keyword, {"p": parameter}, ones[1:], held_bytes]
    assert held_bytes(value) == 16 * 8 + 3 * 8
    assert held_bytes(value, known=parameter) == 16 * 8
    assert held_bytes(value, known=(parameter, keyword)) == 0


# --- beside a limit of a call ---------------------------------------------------------


def test_a_call_within_a_limit_leaves_no_mark():
    case, kept = Case("Glow", *on_host), KeptStates()
    with kept.recording(), inn.memory_limit("1 GB"):
        y = case.forward()
    assert len(kept) == 0
    with kept.replaying():
        case.backward([part[::-1].copy() for part in y])


@pytest.mark.parametrize("limit", ["1 GB", 10])
def test_a_gradient_within_a_limit_uses_nothing_up(limit):
    case, kept = Case("Glow", *on_host), KeptStates()
    with kept.recording():
        y = case.forward()
    n_kept = len(kept)
    with kept.replaying():
        try:
            case.net.backward(y[0], y[0], memory_limit=limit)
        except MemoryError:
            assert limit == 10
        assert len(kept) == n_kept
        with pytest.raises(ValueError, match="the batch that was recorded"):
            case.backward([part[::-1].copy() for part in y])
        assert len(kept) == n_kept
        case.backward(y)
    assert len(kept) == 0
