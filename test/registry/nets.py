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


def residual_blocks():
    for name, shape in SHAPES.items():
        n_spatial = ndims(name)
        yield Case(
            f"ResidualBlock {name}",
            lambda f, n=n_spatial: block(f, 3, 2, ndims=n),
            shape,
        )

    def case(name, shape=(2, 2, 4), smooth=True, **options):
        options = {"n_out": 2, "ndims": len(shape) - 2, **options}
        return Case(
            f"ResidualBlock {name}",
            lambda f: block(f, 2, **options),
            shape,
            smooth=smooth,
        )

    yield case("3 taps", k1=3, p1=1, k2=3, p2=1)
    yield case("3x3", (2, 2, 2, 3), k1=3, p1=1)
    yield case("stride 2", k1=2, s1=2)
    yield case("stride 2 with overlap", k1=4, p1=1, s1=2)
    yield case("gated", fan=False)
    yield case("final sigmoid", final_activation="sigmoid")
    yield case("ReLU", activation="relu", smooth=False)
    yield case("leaky ReLU", activation="leaky_relu", smooth=False)


def dense_nets():
    yield Case("Dense", lambda f: inn.Dense(3, 2, **drawn(f)), (4, 3))
    for activation in ("tanh", "relu"):
        yield Case(
            f"DenseBlock {activation}",
            lambda f, activation=activation: inn.DenseBlock(
                (2, 2), (1, 3), 3, activation=activation, **drawn(f)
            ),
            (3, 2, 2),
            smooth=activation != "relu",
        )


def pointwise():
    smooth = ("tanh", "sigmoid", "softplus", "exp_clamp", "identity")
    for activation in (*smooth, "relu", "leaky_relu"):
        yield Case(
            f"Pointwise {activation}",
            lambda f, activation=activation: inn.Pointwise(activation),
            (2, 2, 4),
            smooth=activation in smooth,
            exclude=ANY_CHANNELS,
        )


def joined():
    yield Case("Flatten", lambda f: inn.Flatten(), (2, 2, 2, 1), exclude=ANY_CHANNELS)
    yield Case("Unflatten", lambda f: inn.Unflatten((2, 3)), (2, 6))
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
    *residual_blocks(),
    *dense_nets(),
    *pointwise(),
    *joined(),
    *convolutions(),
    *residual_nets(),
    *conditional_residual_blocks(),
    *FIXED_NETS,
]
