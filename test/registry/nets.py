"""Cases of the nets, which have no inverse."""

from __future__ import annotations

import invertiblenetworks as inn
from invertiblenetworks.testing import Case

from .fixed_nets import FIXED_NETS
from .pieces import (
    ANY_CHANNELS,
    ONE_TAP,
    SHAPES,
    actnorm,
    basic,
    block,
    conditional,
    drawn,
    ndims,
)


def nets():
    for name, shape in SHAPES.items():
        n_spatial = ndims(name)
        yield Case(
            f"ResidualBlock {name}",
            lambda f, n=n_spatial: block(f, 3, 2, ndims=n),
            shape,
        )
    line = (2, 2, 4)

    def residual(name, shape=line, smooth=True, **options):
        options = {"n_out": 2, "ndims": 1, **options}
        return Case(
            f"ResidualBlock {name}",
            lambda f: block(f, 2, **options),
            shape,
            smooth=smooth,
        )

    yield residual("3 taps", k1=3, p1=1, k2=3, p2=1)
    yield residual("stride 2", k1=2, s1=2)
    yield residual("stride 2 with overlap", k1=4, p1=1, s1=2)
    yield residual("gated", fan=False)
    yield residual("3x3 in 2-D", (2, 2, 2, 3), ndims=2, k1=3, p1=1)
    yield residual("final sigmoid", final_activation="sigmoid")
    yield residual("ReLU", activation="relu", smooth=False)
    yield residual("leaky ReLU", activation="leaky_relu", smooth=False)
    yield Case("Dense", lambda f: inn.Dense(3, 2, **drawn(f)), (4, 3))
    yield Case(
        "DenseBlock",
        lambda f: inn.DenseBlock((2, 2), (1, 3), 3, activation="tanh", **drawn(f)),
        (3, 2, 2),
    )
    yield Case(
        "DenseBlock ReLU",
        lambda f: inn.DenseBlock((2, 2), (1, 3), 3, **drawn(f)),
        (3, 2, 2),
        smooth=False,
    )
    yield Case("Flatten", lambda f: inn.Flatten(), (2, 2, 2, 1), exclude=ANY_CHANNELS)
    yield Case("Unflatten", lambda f: inn.Unflatten((2, 3)), (2, 6))
    for activation in ("tanh", "sigmoid", "softplus", "exp_clamp", "identity"):
        yield Case(
            f"Pointwise {activation}",
            lambda f, activation=activation: inn.Pointwise(activation),
            line,
            exclude=ANY_CHANNELS,
        )
    for activation in ("relu", "leaky_relu"):
        yield Case(
            f"Pointwise {activation}",
            lambda f, activation=activation: inn.Pointwise(activation),
            line,
            smooth=False,
            exclude=ANY_CHANNELS,
        )
    yield Case(
        "Sequential",
        lambda f: inn.Sequential(
            inn.Flatten(), inn.Dense(4, 2, **drawn(f)), inn.Pointwise("tanh")
        ),
        (2, 2, 2),
    )
    yield Case(
        "ConcatCond",
        lambda f: inn.ConcatCond(block(f, 3, 2, ndims=1)),
        (2, 2, 2),
        cond_shape=(2, 1, 2),
    )
    yield Case(
        "ConcatCond Dense",
        lambda f: inn.ConcatCond(inn.Dense(5, 2, **drawn(f))),
        (3, 2),
        cond_shape=(3, 3),
    )


def convolutions():
    kernels = {"0-D": (), "1-D": (2,), "2-D": (1, 2), "3-D": (2, 1, 1)}
    for name, kernel in kernels.items():
        options = {"kernel": kernel, "ndims": ndims(name)}
        for kind in (inn.Conv, inn.ConvTranspose):
            yield Case(
                f"{kind.__name__} {name}",
                lambda f, kind=kind, o=options: kind(3, 2, **o, **drawn(f)),
                SHAPES[name],
            )
    strided = {"kernel": 3, "stride": 2, "pad": 1}

    def with_options(kind, name, shape, **options):
        return Case(
            f"{kind.__name__} {name}",
            lambda f: kind(2, 2, **options, **drawn(f)),
            shape,
        )

    yield with_options(inn.Conv, "strided", (2, 2, 2, 5), **strided)
    yield with_options(inn.ConvTranspose, "strided", (2, 2, 1, 3), **strided)
    more = {**strided, "output_padding": (1, 0)}
    yield with_options(inn.ConvTranspose, "with output_padding", (2, 2, 1, 2), **more)
    for kind in (inn.Conv, inn.ConvTranspose):
        plain = {"kernel": 2, "ndims": 1, "bias": False}
        yield with_options(kind, "without bias", (2, 2, 4), **plain)


def residual_nets():
    line = (2, 2, 3)
    tap = {"k": 1, "p": 0, "activation": "tanh"}

    def resnet(name, shape=line, **options):
        options = {"ndims": len(shape) - 2, **tap, **options}
        return Case(
            f"ResNet {name}",
            lambda f: inn.ResNet(shape[1], 2, 2, **options, **drawn(f)),
            shape,
        )

    yield Case("Skip", lambda f: inn.Skip(block(f, 2, 2, ndims=1)), line)
    yield Case(
        "Skip conditional",
        lambda f: inn.Skip(inn.ConcatCond(block(f, 3, 2, ndims=1))),
        line,
        cond_shape=(2, 1, 3),
    )
    for name in SHAPES:
        yield resnet(name, SHAPES[name])
    yield resnet("3 taps", k=3, p=1)
    yield resnet("with n_out", n_out=3)
    yield resnet("ActNorm", norm=inn.ActNorm)
    yield Case(
        "ResNet ReLU",
        lambda f: inn.ResNet(2, 2, 2, ndims=1, **drawn(f)),
        line,
        smooth=False,
    )
    yield Case("AsNet", lambda f: inn.AsNet(actnorm(f, 2)), line)
    yield Case(
        "AsNet conditional",
        lambda f: inn.AsNet(conditional(f, 1, ndims=1)),
        line,
        cond_shape=(2, 1, 3),
    )
    yield Case(
        "AsNet of a pair",
        lambda f: inn.AsNet(
            inn.Chain(inn.Split(1), basic(f, ndims=1), inn.reverse(inn.Split(1)))
        ),
        line,
    )


def conditional_residual_blocks():
    smooth = {**ONE_TAP, "activation": "tanh", "final_activation": "tanh"}

    def case(name, shape_x, shape_d, smoothly=True, **options):
        options = {**(smooth if smoothly else ONE_TAP), **options}
        return Case(
            f"ConditionalResidualBlock {name}",
            lambda f: inn.ConditionalResidualBlock(
                shape_x, shape_d, 2, **options, **drawn(f)
            ),
            (2, *shape_x),
            cond_shape=(2, *shape_d),
            smooth=smoothly,
        )

    yield case("0-D", (2,), (3, 1))
    yield case("1-D", (2, 3), (2,))
    yield case("2-D", (1, 2, 2), (1, 3))
    yield case("3-D", (1, 2, 1, 2), (1, 2, 1))
    yield case("strided", (1, 4), (1, 2), k1=2, s1=2, n_out=2)
    yield case("ReLU", (1, 3), (2, 2), smoothly=False)


NETS = [
    *nets(),
    *convolutions(),
    *residual_nets(),
    *conditional_residual_blocks(),
    *FIXED_NETS,
]
