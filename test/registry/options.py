"""Cases of options that no other case gives, several at a time to keep them few."""

from __future__ import annotations

import invertiblenetworks as inn
from invertiblenetworks.testing import Case

from .pieces import ONE_TAP, drawn

LINE, PAIR = (2, 2, 4), ((2, 2, 4), (2, 2, 4))
HALVED = {"k1": 2, "p1": 0, "s1": 2, "k2": 3, "p2": 1}
"""Outer convolutions at half the resolution, three taps in the middle."""

BENT = {"activation": "sigmoid", "final_activation": "tanh", "n_reflections": 2}
"""Another scale, another end of the conditioner, another 1x1 convolution."""

ADDITIVE = {**ONE_TAP, "coupling": "additive"}


def widened(n_channels):
    """A new net with parameters that halves the resolution of lane Y."""
    options = {"ndims": 1, "dtype": "float64", "rng": 0}
    return inn.Conv(n_channels, n_channels, 2, stride=2, **options)


def bridge(f):
    return lambda n_channels: widened(n_channels).astype(f.dtype)


def smooth(name):
    """The name that each class has for the activation inside its conditioner."""
    return {"rb_activation" if "Glow" in name else "block_activation": "tanh"}


def case(name, kind, sizes, shape, options, cond_shape=None, with_bridge=False):
    def build(f):
        extra = {"bridge": bridge(f)} if with_bridge else {}
        layer_class = getattr(inn, kind)
        return layer_class(*sizes, **{"ndims": 1, **options}, **extra, **drawn(f))

    return Case(f"{kind} {name}", build, shape, cond_shape=cond_shape)


def layers():
    glow, hint = smooth("Glow"), smooth("HINT")
    yield case(
        "halved, bent",
        "ConditionalLayerGlow",
        (2, 1, 2),
        LINE,
        {**HALVED, **BENT, **glow},
        cond_shape=(2, 1, 4),
    )
    for kind in ("CouplingLayerHINT", "ConditionalLayerHINT"):
        shape = LINE if kind.startswith("Coupling") else PAIR
        options = {**HALVED, **BENT, **hint}
        if shape is LINE:
            options["permute"] = "full"
        yield case("halved, bent", kind, (2, 2), shape, options)
    options = {**HALVED, "final_activation": "tanh", **hint}
    yield case("halved, bent", "CouplingLayerBasic", (2, 2), PAIR, options)
    options = {"k1": 4, "p1": 1, "s1": 2, "n_reflections": 2, **hint}
    yield case("padded, two reflections", "CouplingLayerIRIM", (2, 2), LINE, options)


def glow_networks():
    options = {**HALVED, "final_activation": "tanh", "block_activation": "tanh"}
    yield case("halved, bent", "NetworkGlow", (2, 2, 1, 1), LINE, options)
    sizes, cond_shape, inner = (2, 1, 2, 1, 1), (2, 1, 4), smooth("Glow")
    kind = "NetworkConditionalGlow"
    options = {**HALVED, **BENT, **inner, "freeze_conv": True}
    yield case("halved, bent, frozen", kind, sizes, LINE, options, cond_shape)
    options = {**ADDITIVE, **inner}
    yield case("additive", kind, sizes, LINE, options, cond_shape)


def hint_networks():
    inner = smooth("HINT")
    bent = {**HALVED, **BENT, **inner, "shared": False}
    additive = {**ADDITIVE, **inner}
    kind = "NetworkConditionalHINT"
    yield case("halved, bent, separate", kind, (2, 2, 1), PAIR, bent)
    options = {**additive, "permute": False}
    yield case("additive, plain", kind, (2, 2, 1), PAIR, options)
    longer = ((2, 2, 2), (2, 2, 4))
    options = {**ONE_TAP, **inner}
    yield case("bridge", kind, (2, 2, 1), longer, options, with_bridge=True)

    kind, line = "NetworkMultiScaleHINT", (2, 1, 4)
    yield case("halved, bent, separate", kind, (1, 2, 1, 1), line, bent)
    options = {**additive, "permute": "both", "squeezer": inn.HaarLayer()}
    yield case("additive, both", kind, (1, 2, 1, 1), line, options)

    kind, lines = "NetworkMultiScaleConditionalHINT", (line, line)
    yield case("halved, bent, separate", kind, (1, 2, 1, 1), lines, bent)
    options = {**additive, "permute": False}
    yield case("additive, plain", kind, (1, 2, 1, 1), lines, options)
    longer = (line, (2, 1, 8))
    options = {**ONE_TAP, **inner}
    yield case("bridge", kind, (1, 2, 1, 1), longer, options, with_bridge=True)


def other_networks():
    yield Case(
        "NetworkHyperbolic strided",
        lambda f: inn.NetworkHyperbolic(
            2,
            ((0, 3),),
            **{"k": 2, "s": 2, "p": 0, "activation": "tanh", "ndims": 1},
            **drawn(f),
        ),
        PAIR,
    )


def nets():
    yield Case(
        "DenseBlock bent",
        lambda f: inn.DenseBlock(
            (2, 2),
            (1, 2),
            3,
            **{"activation": "tanh", "final_activation": "softplus", "zero": False},
            **drawn(f),
        ),
        (2, 2, 2),
    )
    yield Case(
        "ConditionalResidualBlock at zero",
        lambda f: inn.ConditionalResidualBlock(
            (1, 3),
            (2,),
            2,
            **{"activation": "tanh", "final_activation": "tanh", "zero": True},
            **drawn(f),
        ),
        (2, 1, 3),
        cond_shape=(2, 2),
    )
    yield Case(
        "ConvTranspose at zero",
        lambda f: inn.ConvTranspose(2, 1, 2, zero=True, ndims=1, **drawn(f)),
        (2, 2, 3),
    )
    yield Case(
        "ResNet at zero",
        lambda f: inn.ResNet(
            2, 2, 2, activation="tanh", zero=True, ndims=1, **drawn(f)
        ),
        (2, 2, 3),
    )
    yield Case(
        "ResNet of one strided block",
        lambda f: inn.ResNet(
            2, 2, 1, k=2, p=0, s=2, n_out=3, activation="tanh", ndims=1, **drawn(f)
        ),
        (2, 2, 4),
    )


OPTIONS = [*layers(), *glow_networks(), *hint_networks(), *other_networks()]
NET_OPTIONS = [*nets()]
