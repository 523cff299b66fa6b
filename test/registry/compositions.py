"""Cases of the ways to join layers."""

from __future__ import annotations

import invertiblenetworks as inn
from invertiblenetworks.compose import PairSplit
from invertiblenetworks.testing import Case

from .pieces import (
    ANY_CHANNELS,
    actnorm,
    basic,
    block,
    conditional,
    conv1x1,
    coupling,
    glow_step,
)


def split_chain(f):
    """One array cut in two, couplings of both parts, and one array again."""
    return inn.Chain(
        inn.Split(1),
        coupling(f, 1, 2, PairSplit(), ndims=1),
        inn.Swap(),
        coupling(f, 2, 1, PairSplit(), ndims=1),
        inn.reverse(inn.Split(2)),
    )


def shared_chain(f):
    """The same layer twice, with another one between."""
    layer = glow_step(f, 2, ndims=1)
    return inn.Chain(layer, actnorm(f, 2), layer)


def multi_scale(f, squeezer):
    levels = [inn.Chain(actnorm(f, 4), conv1x1(f, 4)) for _ in range(2)]
    return inn.MultiScale(levels, [2], squeezer)


ANYTHING = {**ANY_CHANNELS, "bad_arguments:structure": "the identity of anything"}


def chains():
    def case(name, build, exclude=()):
        return Case(name, build, (2, 2, 4), exclude=dict(exclude))

    yield case(
        "Chain",
        lambda f: inn.Chain(actnorm(f, 2), conv1x1(f, 2), glow_step(f, 2, ndims=1)),
    )
    yield case("Chain empty", lambda f: inn.Chain(), ANYTHING)
    yield case(
        "Chain in Chain", lambda f: inn.Chain(actnorm(f, 2), inn.Chain(conv1x1(f, 2)))
    )
    yield case("Chain with shared layer", shared_chain)
    yield case(
        "Chain to another shape", lambda f: inn.Chain(inn.HaarLayer(), conv1x1(f, 4))
    )
    yield case(
        "Composition",
        lambda f: inn.Composition(conv1x1(f, 2), glow_step(f, 2, ndims=1)),
    )
    for squeezer in (inn.ShuffleLayer("patch"), inn.HaarLayer(), inn.WaveletLayer()):
        yield case(
            f"MultiScale {type(squeezer).__name__}",
            lambda f, squeezer=squeezer: multi_scale(f, squeezer),
        )


def reversed_layers():
    def case(name, build):
        return Case(f"Reverse {name}", lambda f: inn.reverse(build(f)), (2, 2, 4))

    yield case("ActNorm", lambda f: actnorm(f, 2))
    yield case("Conv1x1", lambda f: conv1x1(f, 2))
    yield case("coupling", lambda f: glow_step(f, 2, ndims=1))
    yield case("Chain", lambda f: inn.Chain(actnorm(f, 2), glow_step(f, 2, ndims=1)))
    yield case(
        "Chain of Reverse",
        lambda f: inn.Chain(inn.Reverse(actnorm(f, 2)), conv1x1(f, 2)),
    )


def parts_and_pairs():
    line, pair = (2, 3, 2), ((2, 1, 4), (2, 1, 4))
    yield Case("Split", lambda f: inn.Split(1), (2, 2, 2, 2), exclude=ANY_CHANNELS)
    yield Case(
        "Reverse Split",
        lambda f: inn.reverse(inn.Split(1)),
        pair,
        exclude=ANY_CHANNELS,
    )
    yield Case(
        "Swap", lambda f: inn.Swap(), ((2, 2, 4), (2, 1, 4)), exclude=ANY_CHANNELS
    )
    yield Case("Chain around Split", split_chain, line)
    yield Case(
        "OnPart first",
        lambda f: inn.OnPart(actnorm(f, 2), 2),
        line,
        exclude=ANY_CHANNELS,
    )
    yield Case(
        "OnPart second",
        lambda f: inn.OnPart(glow_step(f, 2, ndims=1), 1, first=False),
        line,
    )
    yield Case(
        "PairChain",
        lambda f: inn.PairChain(basic(f, ndims=1), inn.Swap(), basic(f, ndims=1)),
        pair,
    )
    yield Case("Reverse pair", lambda f: inn.reverse(basic(f, ndims=1)), pair)


def conditions():
    x, cond = (3, 2, 2), (3, 1, 4)

    def case(name, transform, n_cond, cond=cond):
        def build(f):
            return inn.WithCondition(conditional(f, n_cond, ndims=1), transform(f))

        return Case(f"WithCondition {name}", build, x, cond_shape=cond)

    yield case("squeeze", lambda f: inn.ShuffleLayer(), 2)
    yield case("ActNorm", lambda f: actnorm(f, 1), 1, (3, 1, 2))
    yield case("Chain", lambda f: inn.Chain(actnorm(f, 1), inn.HaarLayer()), 2)
    yield case("Net", lambda f: block(f, 3, 2, ndims=1), 2, (3, 3, 2))
    yield Case(
        "Chain given a condition",
        lambda f: inn.Chain(conv1x1(f, 2), conditional(f, 1, ndims=1), actnorm(f, 2)),
        x,
        cond_shape=(3, 1, 2),
    )
    yield Case(
        "Composition given a condition",
        lambda f: conditional(f, 1, ndims=1) @ conv1x1(f, 2),
        x,
        cond_shape=(3, 1, 2),
    )
    yield Case(
        "MultiScale given a condition",
        lambda f: inn.MultiScale(
            [conditional(f, 2, ndims=1), conditional(f, 4, ndims=1)],
            [1],
            inn.HaarLayer(),
            squeeze_condition=True,
        ),
        (2, 1, 4),
        cond_shape=(2, 1, 4),
    )
    yield Case(
        "PairChain given a condition",
        lambda f: inn.PairChain(
            inn.OnLane(conditional(f, 1, ndims=1), 0),
            inn.OnLane(conditional(f, 1, ndims=1), 1),
        ),
        (x, x),
        cond_shape=(3, 1, 2),
    )
    yield Case(
        "Reverse given a condition",
        lambda f: inn.reverse(conditional(f, 1, ndims=1)),
        x,
        cond_shape=(3, 1, 2),
    )
    yield Case(
        "OnPart given a condition",
        lambda f: inn.OnPart(conditional(f, 1, ndims=1), 2),
        (3, 3, 2),
        cond_shape=(3, 1, 2),
        exclude=ANY_CHANNELS,
    )


def pairs():
    """Compositions that act on two arrays, lane by lane or scale by scale."""
    lanes = ((2, 2, 4), (2, 3, 2))
    yield Case(
        "OnLane by itself",
        lambda f: inn.OnLane(glow_step(f, 2, ndims=1), 0),
        lanes,
    )
    yield Case(
        "OnLane given a condition",
        lambda f: inn.OnLane(conditional(f, 1, ndims=1), 1),
        ((3, 1, 4), (3, 2, 2)),
        cond_shape=(3, 1, 2),
    )
    yield Case(
        "OnLane first",
        lambda f: inn.PairChain(inn.OnLane(glow_step(f, 2, ndims=1), 0)),
        lanes,
    )
    yield Case(
        "OnLane second",
        lambda f: inn.PairChain(inn.OnLane(conv1x1(f, 3), 1)),
        lanes,
    )
    yield Case(
        "on_both",
        lambda f: inn.PairChain(*inn.on_both(actnorm(f, 2), conv1x1(f, 3))),
        lanes,
    )
    yield Case(
        "OnPart of a pair",
        lambda f: inn.PairChain(inn.OnPart(basic(f, 1, ndims=1), (1, 1))),
        ((2, 2, 3), (2, 3, 3)),
        exclude=ANY_CHANNELS,
    )

    def scales(f, channels):
        levels = [inn.PairChain(basic(f, c, ndims=1)) for c in (2, channels)]
        going_on = [(1, 1)] if channels == 2 else [None]
        return inn.PairMultiScale(levels, going_on, inn.HaarLayer(), pair=True)

    line = (2, 1, 4)
    yield Case("PairMultiScale split", lambda f: scales(f, 2), (line, line))
    yield Case("PairMultiScale all", lambda f: scales(f, 4), (line, line))


COMPOSITIONS = [
    *chains(),
    *reversed_layers(),
    *parts_and_pairs(),
    *conditions(),
    *pairs(),
]
