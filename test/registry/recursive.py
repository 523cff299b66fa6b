"""Cases of HINT, i-RIM and hyperbolic layers, and of layers with a condition."""

from __future__ import annotations

import invertiblenetworks as inn
from invertiblenetworks.testing import Case

from .pieces import ONE_TAP, SHAPES, block, drawn, ndims


def hint(f, n_in, **options):
    options = {**ONE_TAP, "block_activation": "tanh", **options}
    return inn.CouplingLayerHINT(n_in, 2, **options, **drawn(f))


def irim(f, n_in, **options):
    options = {**ONE_TAP, "s1": 1, "block_activation": "tanh", **options}
    return inn.CouplingLayerIRIM(n_in, 2, **options, **drawn(f))


def hyperbolic(f, n_in, **options):
    options = {"alpha": 0.3, "activation": "tanh", **options}
    return inn.HyperbolicLayer(n_in, 3, 1, 1, **options, **drawn(f))


def conditional_glow(f, n_in, n_cond, **options):
    options = {**ONE_TAP, "rb_activation": "tanh", **options}
    return inn.ConditionalLayerGlow(n_in, n_cond, 2, **options, **drawn(f))


def conditional_hint(f, n_in, n_y, **options):
    options = {**ONE_TAP, "block_activation": "tanh", **options}
    return inn.ConditionalLayerHINT(n_in, 2, n_y=n_y, **options, **drawn(f))


def hint_layers():
    for name, shape in SHAPES.items():
        n = ndims(name)
        yield Case(
            f"CouplingLayerHINT {name}",
            lambda f, n=n: hint(f, 3, ndims=n),
            shape,
        )
    for n_in in (2, 4, 5, 6, 7, 8, 12, 16):
        yield Case(
            f"CouplingLayerHINT {n_in} channels",
            lambda f, n=n_in: hint(f, n, ndims=1),
            (2, n_in, 2),
        )
    options = {
        "full": {"permute": "full"},
        "both": {"permute": "both"},
        "lower": {"permute": "lower"},
        "separate": {"shared": False},
        "3x3": {"k1": 3, "p1": 1, "k2": 3, "p2": 1},
        "sigmoid": {"activation": "sigmoid"},
        "additive": {"coupling": "additive"},
    }
    for name, chosen in options.items():
        yield Case(
            f"CouplingLayerHINT {name}",
            lambda f, chosen=chosen: hint(f, 6, ndims=1, **chosen),
            (2, 6, 2),
        )
    yield Case(
        "CouplingLayerHINT ReLU",
        lambda f: hint(f, 6, ndims=1, block_activation="relu"),
        (2, 6, 2),
        smooth=False,
    )


def irim_layers():
    for name, shape in SHAPES.items():
        n = ndims(name)
        yield Case(
            f"CouplingLayerIRIM {name}",
            lambda f, n=n: irim(f, 3, ndims=n),
            shape,
        )
    yield Case(
        "CouplingLayerIRIM quarter resolution",
        lambda f: irim(f, 2, ndims=1, k1=4, s1=4, k2=3, p2=1),
        (2, 2, 8),
    )


def hyperbolic_layers():
    for name in ("1-D", "2-D", "3-D"):
        n = ndims(name)
        shape = (2, 2, *SHAPES[name][2:])
        yield Case(
            f"HyperbolicLayer {name}",
            lambda f, n=n: hyperbolic(f, 2, n_hidden=3, ndims=n),
            (shape, shape),
        )
    coarse, fine = (2, 4, 1, 2), (2, 1, 2, 4)
    yield Case(
        "HyperbolicLayer finer", lambda f: hyperbolic(f, 4, action=1), (coarse, coarse)
    )
    yield Case(
        "HyperbolicLayer coarser", lambda f: hyperbolic(f, 1, action=-1), (fine, fine)
    )
    line = (2, 2, 4)
    yield Case(
        "HyperbolicLayer ReLU",
        lambda f: hyperbolic(f, 2, ndims=1, activation="relu"),
        (line, line),
        smooth=False,
    )


def leapfrog_nets():
    for name in ("1-D", "2-D", "3-D"):
        n = ndims(name)
        yield Case(
            f"LeapfrogNet {name}",
            lambda f, n=n: inn.LeapfrogNet(
                2, 3, 3, 1, 1, alpha=0.3, activation="tanh", ndims=n, **drawn(f)
            ),
            (2, 2, *SHAPES[name][2:]),
        )
    yield Case(
        "LeapfrogNet strided",
        lambda f: inn.LeapfrogNet(2, 3, 2, 2, 0, ndims=1, **drawn(f)),
        (2, 2, 4),
        smooth=False,
    )


def conditional_layers():
    for name, shape in SHAPES.items():
        n = ndims(name)
        cond = (shape[0], 2, *shape[2:])
        yield Case(
            f"ConditionalLayerGlow {name}",
            lambda f, n=n: conditional_glow(f, 3, 2, ndims=n),
            shape,
            cond_shape=cond,
        )
        yield Case(
            f"ConditionalLayerHINT {name}",
            lambda f, n=n: conditional_hint(f, 3, 2, ndims=n),
            (shape, cond),
        )
    line = (2, 2, 2)
    glow_options = {
        "additive": {"coupling": "additive"},
        "frozen": {"freeze_conv": True},
        "3x3": {"k1": 3, "p1": 1},
        "sigmoid": {"activation": "sigmoid"},
    }
    for name, chosen in glow_options.items():
        yield Case(
            f"ConditionalLayerGlow {name}",
            lambda f, chosen=chosen: conditional_glow(f, 2, 1, ndims=1, **chosen),
            line,
            cond_shape=(2, 1, 2),
        )
    hint_options = {
        "plain": {"permute": False},
        "separate": {"shared": False},
        "additive": {"coupling": "additive"},
        "eight channels": {"n_in": 8},
    }
    for name, chosen in hint_options.items():
        n_in = chosen.pop("n_in", 2)
        yield Case(
            f"ConditionalLayerHINT {name}",
            lambda f, n=n_in, chosen=chosen: conditional_hint(
                f, n, 2, ndims=1, **chosen
            ),
            ((2, n_in, 2), line),
        )
    yield Case(
        "ConditionalLayerHINT finer lane Y",
        lambda f: conditional_hint(f, 2, 3, ndims=1, bridge=inn.AveragePool(2)),
        ((2, 2, 2), (2, 3, 4)),
    )


def couplings_of_transformers():
    for name, shape in SHAPES.items():
        n = ndims(name)
        yield Case(
            f"Coupling by reflection {name}",
            lambda f, n=n: inn.Coupling(
                block(f, 1, 2, ndims=n),
                inn.ReflectionTransformer(),
                inn.ChannelSplit(2),
            ),
            shape,
        )


RECURSIVE = [
    *hint_layers(),
    *irim_layers(),
    *hyperbolic_layers(),
    *conditional_layers(),
    *couplings_of_transformers(),
]
LEAPFROG_NETS = list(leapfrog_nets())
