"""Cases of the nets made of given maps, and of those that change the resolution."""

from __future__ import annotations

import numpy as np

import invertiblenetworks as inn
from invertiblenetworks.backend import get_array_module, linear_operator_class
from invertiblenetworks.testing import Case

from .pieces import ANY_CHANNELS, EVEN, SHAPES, SPATIAL, drawn


def given_maps():
    """Nets made of what the user gives."""
    line = (3, 2, 4)
    yield Case(
        "FunctionNet",
        lambda f: inn.FunctionNet(
            lambda x: x * x, lambda dy, x: 2.0 * x * dy, lambda dx, x: 2.0 * x * dx
        ),
        line,
        exclude=ANY_CHANNELS,
    )
    yield Case(
        "FunctionNet with parameters",
        lambda f: inn.FunctionNet(
            *_power_and_gain(),
            output_shape=lambda shape: (1, *shape[1:]),
            params=[f.rng.random(4).astype(f.dtype), f.rng.random(1).astype(f.dtype)],
        ),
        line,
        exclude=ANY_CHANNELS,
    )
    for name, operator in (
        ("matrix", lambda f: f.array(_matrix(6, 8))),
        ("LinearOperator", _linear_operator),
        ("complex matrix", lambda f: f.array(_matrix(6, 8)) * (1.0 - 2.0j)),
        ("in float64", lambda f: f.array(_matrix(6, 8)).astype("float64")),
    ):
        yield Case(
            f"OperatorNet {name}",
            lambda f, operator=operator: inn.OperatorNet(operator(f), (2, 4), (3, 2)),
            line,
        )


def _power_and_gain():
    """``gain x^2 + offset``, summed over channels, with its two derivatives."""

    def function(x, gain, offset):
        return (gain * x * x).sum(axis=1, keepdims=True) + offset

    def vjp(dy, x, gain, offset):
        return 2.0 * gain * x * dy, (x * x * dy).sum(axis=(0, 1)), dy.sum().reshape(1)

    def jvp(dx, dgain, doffset, x, gain, offset):
        dy = (2.0 * gain * x * dx + dgain * x * x).sum(axis=1, keepdims=True)
        return dy + doffset

    return function, vjp, jvp


def _matrix(*shape):
    return np.random.default_rng(5).standard_normal(shape)


def _linear_operator(f):
    matrix = f.array(_matrix(6, 8))
    return linear_operator_class(get_array_module(matrix))(
        matrix.shape,
        matvec=lambda v: matrix @ v,
        rmatvec=lambda w: matrix.T @ w,
        dtype=matrix.dtype,
    )


def resolutions():
    for name in SPATIAL:
        yield Case(
            f"AveragePool {name}",
            lambda f: inn.AveragePool(2),
            EVEN[name],
            exclude=ANY_CHANNELS,
        )
        yield Case(
            f"Upsample {name}",
            lambda f: inn.Upsample(2),
            SHAPES[name],
            exclude=ANY_CHANNELS,
        )
        yield Case(
            f"SpatialMean {name}",
            lambda f: inn.SpatialMean(),
            SHAPES[name],
            exclude=ANY_CHANNELS,
        )
    for kind in (inn.AveragePool, inn.Upsample):
        yield Case(
            f"{kind.__name__} by axis",
            lambda f, kind=kind: kind((1, 3)),
            (2, 1, 2, 3),
            exclude=ANY_CHANNELS,
        )
    for n in (0, 2):
        yield Case(
            f"SetSummary for {n}-D",
            lambda f, n=n: inn.SetSummary(
                2, 2, 2, n_blocks=1, activation="tanh", ndims=n, **drawn(f)
            ),
            (3, 2, 3),
        )


def weighted():
    """Means with weights, which a softplus in front makes positive."""
    shapes = {"1-D": (2, 3, 4), "2-D": (2, 3, 2, 2), "3-D": (2, 2, 2, 1, 2)}
    for name, shape in shapes.items():
        yield Case(
            f"WeightedMean {name}",
            lambda f: inn.Sequential(inn.Pointwise("softplus"), inn.WeightedMean()),
            shape,
            exclude=ANY_CHANNELS,
        )
    yield Case(
        "WeightedMean",
        lambda f: inn.WeightedMean(),
        (2, 3, 5),
        exclude=ANY_CHANNELS,
    )
    yield Case(
        "CarryLast",
        lambda f: inn.CarryLast(inn.Conv(2, 3, 1, ndims=1, **drawn(f))),
        (2, 3, 3),
    )
    yield Case(
        "SetSummary masked",
        lambda f: inn.Sequential(
            inn.Pointwise("softplus"),
            inn.SetSummary(
                2, 2, 2, n_blocks=1, activation="tanh", masked=True, **drawn(f)
            ),
        ),
        (3, 3, 3),
    )


FIXED_NETS = [*given_maps(), *resolutions(), *weighted()]
