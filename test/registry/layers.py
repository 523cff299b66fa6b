"""Cases of the layers."""

from __future__ import annotations

import invertiblenetworks as inn
from invertiblenetworks.compose import ChannelSplit, PairSplit
from invertiblenetworks.testing import Case

from .pieces import (
    ANY_CHANNELS,
    EVEN,
    SHAPES,
    actnorm,
    basic,
    block,
    conditional,
    conv1x1,
    coupling,
    glow_step,
    ndims,
)


def leaf_layers():
    for name, shape in SHAPES.items():
        yield Case(f"ActNorm {name}", lambda f: actnorm(f, 3), shape)
        yield Case(f"Conv1x1 {name}", lambda f: conv1x1(f, 3), shape)
        n_spatial = ndims(name)
        yield Case(
            f"CouplingLayerGlow {name}",
            lambda f, n=n_spatial: glow_step(f, 3, ndims=n),
            shape,
        )
        pair = (shape[0], 2, *shape[2:])
        yield Case(
            f"CouplingLayerBasic {name}",
            lambda f, n=n_spatial: basic(f, 2, ndims=n),
            (pair, pair),
        )
        if n_spatial:
            sizes = (*reversed(shape[2:]), shape[1])
            yield Case(
                f"AffineLayer {name}",
                lambda f, sizes=sizes: inn.AffineLayer(*sizes, dtype=f.dtype),
                shape,
            )
    yield Case(
        "Conv1x1 one reflection", lambda f: conv1x1(f, 3, n_reflections=1), (2, 3, 2)
    )
    yield Case(
        "Conv1x1 many reflections", lambda f: conv1x1(f, 4, n_reflections=7), (2, 4, 2)
    )
    yield Case("Conv1x1 frozen", lambda f: conv1x1(f, 3, freeze=True), (2, 3, 2))
    yield Case(
        "Conv1x1 from vectors",
        lambda f: inn.Conv1x1(*f.rng.standard_normal((2, 3)).astype(f.dtype)),
        (2, 3, 2),
    )


def squeezers():
    for name, shape in EVEN.items():
        for pattern in ("checkerboard", "patch", "column"):
            yield Case(
                f"ShuffleLayer {pattern} {name}",
                lambda f, pattern=pattern: inn.ShuffleLayer(pattern),
                shape,
                exclude=ANY_CHANNELS,
            )
        for wavelet in ("db1", "db2"):
            yield Case(
                f"WaveletLayer {wavelet} {name}",
                lambda f, wavelet=wavelet: inn.WaveletLayer(wavelet),
                shape,
                exclude=ANY_CHANNELS,
            )
        yield Case(
            f"HaarLayer {name}", lambda f: inn.HaarLayer(), shape, exclude=ANY_CHANNELS
        )
    yield Case(
        "ShuffleLayer odd channels",
        lambda f: inn.ShuffleLayer(),
        (2, 3, 2, 2),
        exclude=ANY_CHANNELS,
    )


def glow_options():
    def glow_case(name, n_channels, *spatial, **options):
        shape = (2, n_channels, *spatial)
        options["ndims"] = len(spatial)
        return Case(
            f"CouplingLayerGlow {name}",
            lambda f: glow_step(f, n_channels, **options),
            shape,
        )

    yield glow_case("3x3", 2, 3, 2, k1=3, p1=1)
    yield glow_case("3x3 in the middle", 2, 2, 3, k2=3, p2=1)
    yield glow_case("stride 2", 2, 4, 2, k1=2, s1=2)
    yield glow_case("stride 2 with overlap", 2, 4, k1=4, p1=1, s1=2)
    yield glow_case("additive", 3, 2, 2, coupling="additive")
    yield glow_case("five channels", 5, 2)
    yield glow_case("frozen", 2, 2, freeze_conv=True)
    yield glow_case("many reflections", 4, 2, n_reflections=5)
    yield glow_case("dense", 3, 2, dense=True, nx=2)
    yield glow_case("final tanh", 2, 2, final_activation="tanh")
    yield glow_case("softplus block", 2, 2, block_activation="softplus")
    for activation in ("sigmoid", "sigmoid2", "softplus"):
        yield glow_case(f"scale {activation}", 2, 2, activation=activation)
    yield glow_case(
        "scale bounded", 2, 2, activation=inn.SigmoidLayer(low=0.5, high=1.0)
    )


def basic_options():
    line = (2, 1, 4)

    def basic_case(name, **options):
        options["ndims"] = 1
        return Case(
            f"CouplingLayerBasic {name}", lambda f: basic(f, **options), (line, line)
        )

    yield basic_case("additive", coupling="additive")
    yield basic_case("3 taps", k1=3, p1=1)
    yield basic_case("scale sigmoid", activation="sigmoid")
    yield Case(
        "CouplingLayerBasic of different channels",
        lambda f: inn.CouplingLayerBasic(block(f, 1, 4, ndims=1)),
        (line, (2, 2, 4)),
    )
    yield Case(
        "CouplingLayerBasic given a condition",
        lambda f: inn.CouplingLayerBasic(inn.ConcatCond(block(f, 3, 2, ndims=1))),
        (line, line),
        cond_shape=(2, 2, 4),
    )


def couplings():
    yield Case(
        "Coupling second part active",
        lambda f: coupling(f, 1, 2, ChannelSplit(1, first_active=False), ndims=1),
        (2, 3, 2),
    )
    yield Case(
        "Coupling of a tuple",
        lambda f: coupling(f, 2, 1, PairSplit(first_active=True), ndims=1),
        ((2, 1, 2), (2, 2, 2)),
    )
    yield Case(
        "Coupling given a condition",
        lambda f: conditional(f, 2, ndims=1),
        (3, 2, 2),
        cond_shape=(3, 2, 2),
    )


LAYERS = [
    *leaf_layers(),
    *squeezers(),
    *glow_options(),
    *basic_options(),
    *couplings(),
]
