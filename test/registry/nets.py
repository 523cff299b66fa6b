"""Cases of the nets, which have no inverse."""

from __future__ import annotations

import invertiblenetworks as inn
from invertiblenetworks.testing import Case

from .pieces import ANY_CHANNELS, SHAPES, block, drawn, ndims


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


NETS = list(nets())
