"""Cases of the networks of two lanes, of two states and with a condition."""

from __future__ import annotations

import invertiblenetworks as inn
from invertiblenetworks.testing import Case

from .pieces import EVEN, ONE_TAP, SHAPES, block, drawn, ndims


def conditional_glow(f, n_in, n_cond, L=1, K=2, **options):
    options = {**ONE_TAP, "rb_activation": "tanh", **options}
    return inn.NetworkConditionalGlow(n_in, n_cond, 2, L, K, **options, **drawn(f))


def conditional_hint(f, n_in, n_y, depth=2, **options):
    options = {**ONE_TAP, "block_activation": "tanh", **options}
    return inn.NetworkConditionalHINT(n_in, 2, depth, n_y=n_y, **options, **drawn(f))


def multi_hint(f, n_in, L=2, K=1, **options):
    options = {**ONE_TAP, "block_activation": "tanh", **options}
    return inn.NetworkMultiScaleHINT(n_in, 2, L, K, **options, **drawn(f))


def multi_conditional_hint(f, n_in, n_y, L=2, K=1, **options):
    options = {**ONE_TAP, "block_activation": "tanh", **options}
    return inn.NetworkMultiScaleConditionalHINT(
        n_in, 2, L, K, n_y=n_y, **options, **drawn(f)
    )


def glow_networks():
    for name, shape in SHAPES.items():
        n = ndims(name)
        yield Case(
            f"NetworkConditionalGlow {name}",
            lambda f, n=n: conditional_glow(f, 3, 2, ndims=n),
            shape,
            cond_shape=(shape[0], 2, *shape[2:]),
        )
    for name, shape in EVEN.items():
        n = ndims(name)
        shape = (2, 1, *shape[2:])
        yield Case(
            f"NetworkConditionalGlow scales {name}",
            lambda f, n=n: conditional_glow(f, 1, 1, K=1, ndims=n),
            shape,
            cond_shape=shape,
        )
    line = (2, 1, 4)
    for squeezer in (inn.ShuffleLayer("column"), inn.HaarLayer(), inn.WaveletLayer()):
        yield Case(
            f"NetworkConditionalGlow scales {type(squeezer).__name__}",
            lambda f, squeezer=squeezer: conditional_glow(
                f, 1, 1, L=2, K=1, ndims=1, squeezer=squeezer, split_scales=True
            ),
            line,
            cond_shape=line,
        )
    yield Case(
        "NetworkConditionalGlow ReLU",
        lambda f: conditional_glow(f, 2, 1, ndims=1, rb_activation="relu"),
        (2, 2, 2),
        cond_shape=(2, 1, 2),
        smooth=False,
    )
    for name, shape in SHAPES.items():
        n = ndims(name)
        yield Case(
            f"SummarizedNet {name}",
            lambda f, n=n: inn.SummarizedNet(
                conditional_glow(f, 3, 1, K=1, ndims=n), block(f, 2, 1, ndims=n)
            ),
            shape,
            cond_shape=(shape[0], 2, *shape[2:]),
        )
    yield Case(
        "SummarizedNet of sets",
        lambda f: inn.SummarizedNet(
            conditional_glow(f, 2, 2, K=1, ndims=0),
            inn.Sequential(block(f, 1, 2, ndims=1), inn.SpatialMean()),
        ),
        (2, 2),
        cond_shape=(2, 1, 5),
    )


def hint_networks():
    line, longer = (2, 2, 2), (2, 1, 4)
    for name, shape in SHAPES.items():
        n = ndims(name)
        yield Case(
            f"NetworkConditionalHINT {name}",
            lambda f, n=n: conditional_hint(f, 3, 2, depth=1, ndims=n),
            (shape, (shape[0], 2, *shape[2:])),
        )
    yield Case(
        "NetworkConditionalHINT two steps",
        lambda f: conditional_hint(f, 2, 2, ndims=1),
        (line, line),
    )
    yield Case(
        "NetworkConditionalHINT ReLU",
        lambda f: conditional_hint(f, 2, 2, ndims=1, block_activation="relu"),
        (line, line),
        smooth=False,
    )
    for name, shape in EVEN.items():
        shape = (2, 1, *shape[2:])
        n = ndims(name)
        yield Case(
            f"NetworkMultiScaleHINT {name}",
            lambda f, n=n: multi_hint(f, 1, L=1, ndims=n),
            shape,
        )
        yield Case(
            f"NetworkMultiScaleConditionalHINT {name}",
            lambda f, n=n: multi_conditional_hint(f, 1, 1, L=1, ndims=n),
            (shape, shape),
        )
    for split in (False, True):
        name = "split" if split else "all channels"
        yield Case(
            f"NetworkMultiScaleHINT {name}",
            lambda f, split=split: multi_hint(f, 1, ndims=1, split_scales=split),
            longer,
        )
        for squeezer in (inn.ShuffleLayer(), inn.HaarLayer(), inn.WaveletLayer()):
            yield Case(
                f"NetworkMultiScaleConditionalHINT {name} {type(squeezer).__name__}",
                lambda f, split=split, squeezer=squeezer: multi_conditional_hint(
                    f, 1, 1, ndims=1, split_scales=split, squeezer=squeezer
                ),
                (longer, longer),
            )
    yield Case(
        "NetworkMultiScaleHINT ReLU",
        lambda f: multi_hint(f, 1, L=1, ndims=1, block_activation="relu"),
        longer,
        smooth=False,
    )
    yield Case(
        "NetworkMultiScaleConditionalHINT ReLU",
        lambda f: multi_conditional_hint(
            f, 1, 2, L=1, ndims=1, block_activation="relu"
        ),
        (longer, (2, 2, 4)),
        smooth=False,
    )


def hyperbolic_networks():
    def network(f, n_in, architecture, **options):
        options = {"alpha": 0.3, "activation": "tanh", **options}
        return inn.NetworkHyperbolic(n_in, architecture, **options, **drawn(f))

    architecture = ((0, 2), (-1, 3), (1, 2))
    for name, shape in EVEN.items():
        n = ndims(name)
        shape = (2, 1, *shape[2:])
        yield Case(
            f"NetworkHyperbolic {name}",
            lambda f, n=n: network(f, 1, architecture, ndims=n),
            (shape, shape),
        )
    line = (2, 2, 3)
    yield Case(
        "NetworkHyperbolic ReLU",
        lambda f: network(f, 2, ((0, 2), (0, 3)), ndims=1, activation="relu"),
        (line, line),
        smooth=False,
    )


CONDITIONAL_NETWORKS = [*glow_networks(), *hint_networks(), *hyperbolic_networks()]
