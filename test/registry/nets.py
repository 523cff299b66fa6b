"""Cases of the nets, which have no inverse."""

from __future__ import annotations

import invertiblenetworks as inn
from invertiblenetworks.testing import Case

from .pieces import ANY_CHANNELS, SHAPES, block, drawn, ndims


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


NETS = [*residual_blocks(), *dense_nets(), *pointwise(), *joined()]
