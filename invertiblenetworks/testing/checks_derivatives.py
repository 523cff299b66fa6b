"""Checks of gradients and Jacobians, of the map and of its inverse."""

from __future__ import annotations

import numpy as np

from .cases import Subject
from .maps import Map, Point
from .measured import Measured
from .numeric import (
    as_vector,
    central_differences,
    dense_matrix,
    inner,
    norm,
    random_like,
    zeros_like,
)
from .numeric import relative_error as error
from .objective import Objective

DOT_TEST = 1e-12
ENTRIES = 1e-6
MAX_ENTRIES = 100
MAX_ENTRIES_ON_GPU = 20
"""Larger Jacobians and gradients are compared in this many entries drawn at random.

Fewer on a GPU, where each small call costs more, and the mathematics are the same.
"""


def dot_test(subject: Subject) -> Measured:
    """``adjoint_jacobian`` is the adjoint of ``jacobian``, block by block.

    Each block is one argument (input, each parameter, condition) by one result
    (output, log-determinant), so that small terms are not hidden by large ones.
    """
    found = Measured()
    for map_ in subject.maps:
        point = subject.point(map_)
        y, _ = map_.value(point)
        seeds = _seeds(map_, y, subject.rng)
        pulled = {name: map_.adjoint(*seed, point, y) for name, seed in seeds.items()}
        for argument, direction in _blocks(subject, point):
            pushed = map_.tangent(direction, point)
            for result, seed in seeds.items():
                left, right, size = _products(pushed, seed, direction, pulled[result])
                found.at_most(
                    f"dot test of the {map_.name} map",
                    abs(left - right) / size,
                    subject.bound(DOT_TEST),
                    f"From {argument} to {result}: <J d, w> = {left:.6g} and "
                    f"<d, J* w> = {right:.6g}, factor {_ratio(left, right)}",
                )
    return found


def _seeds(map_, y, rng):
    """Cotangents of one result each: (of the output, of the log-determinant)."""
    seeds = {"the output": (random_like(y, rng), 0.0)}
    if map_.has_logdet:
        seeds["logdet"] = (zeros_like(y), float(rng.uniform(0.5, 2.0)))
    return seeds


def _blocks(subject: Subject, point: Point):
    """Yield (name, direction) with a direction that moves one argument only."""
    direction, zero = random_like(point, subject.rng), zeros_like(point)
    yield "the input", zero._replace(x=direction.x)
    for i, name in enumerate(subject.layer.named_params()):
        theta = list(zero.theta)
        theta[i] = direction.theta[i]
        yield f"parameter {name}", zero._replace(theta=theta)
    if point.cond is not None:
        yield "the condition", zero._replace(cond=direction.cond)


def _products(pushed, seed, direction, pulled):
    """Both inner products, and what their difference is to be compared with."""
    left = inner(pushed[0], seed[0]) + pushed[1] * seed[1]
    right = inner(direction, pulled)
    of_seed = np.hypot(norm(seed[0]), seed[1])
    size = np.hypot(norm(pushed[0]), pushed[1]) * of_seed
    # Only where the direction acts: the rest of the cotangent is no part of it.
    support = as_vector(pulled)[as_vector(direction) != 0.0]
    size += norm(direction) * float(np.linalg.norm(support))
    # The floor lets blocks that vanish pass with their rounding errors.
    return left, right, size + 1e-4 * norm(direction) * of_seed


def _ratio(left, right):
    return f"{left / right:.6g}" if right else "undefined"


def dense_jacobian(subject: Subject) -> Measured:
    """Columns from ``jacobian`` are rows from ``adjoint_jacobian``, entry by entry."""
    found = Measured()
    for map_ in subject.maps:
        _compare_entries(map_, subject, found)
    return found


def _compare_entries(map_: Map, subject: Subject, found: Measured) -> None:
    point = subject.point(map_)
    y, _ = map_.value(point)
    columns = _some_entries(as_vector(point).size, subject)
    rows = _some_entries(as_vector(y).size, subject)
    forwards = dense_matrix(lambda d: map_.tangent(d, point), point, columns)
    backwards = dense_matrix(lambda w: map_.adjoint(w, 0.0, point, y), y, rows)
    pairs = {"Jacobian": (forwards[rows], backwards[columns].T)}
    if map_.has_logdet:
        row = as_vector(map_.adjoint(zeros_like(y), 1.0, point, y))[columns]
        pairs["gradient of logdet"] = (forwards[-1:], row[None])
    for what, (by_columns, by_rows) in pairs.items():
        worst = columns[int(np.abs(by_columns - by_rows).max(axis=0).argmax())]
        found.at_most(
            f"{map_.name} {what}",
            error(by_columns, by_rows),
            subject.bound(DOT_TEST),
            f"Worst in {_name_of_entry(subject, point, worst)}",
        )


def _some_entries(size: int, subject: Subject) -> np.ndarray:
    limit = MAX_ENTRIES_ON_GPU if subject.gpu else MAX_ENTRIES
    if size <= limit:
        return np.arange(size)
    return np.sort(subject.rng.choice(size, limit, replace=False))


def _name_of_entry(subject: Subject, point: Point, entry: int) -> str:
    sizes = [("the input", as_vector(point.x).size)]
    for name, value in zip(subject.layer.named_params(), point.theta, strict=True):
        sizes.append((f"parameter {name}", value.size))
    for name, size in sizes:
        if entry < size:
            return f"entry {entry} of {name}"
        entry -= size
    return f"entry {entry} of the condition"


def gradient_entries(subject: Subject) -> Measured:
    """Each entry of the gradients agrees with a central difference.

    Gradients with respect to parameters, condition and input, from ``backward`` and
    ``backward_inv``.
    """
    found = Measured()
    for map_ in subject.maps:
        objective, point = Objective(map_, subject), subject.point(map_)
        gradient = as_vector(objective.gradient(point))
        entries = _trainable_entries(subject, point)
        entries = entries[_some_entries(entries.size, subject)]
        slopes = central_differences(objective, point, entries)
        map_.layer.set_params(point.theta)
        difference = np.abs(gradient[entries] - slopes)
        worst = int(difference.argmax())
        found.at_most(
            f"entries of the {map_.name} gradient",
            difference[worst] / max(1.0, np.abs(slopes).max()),
            subject.bound(ENTRIES),
            f"{_name_of_entry(subject, point, entries[worst])}: "
            f"{gradient[entries[worst]]:.6g}, central difference {slopes[worst]:.6g}",
        )
    return found


def _trainable_entries(subject: Subject, point: Point) -> np.ndarray:
    wanted = [np.ones(as_vector(point.x).size, bool)]
    for parameter in subject.layer.get_params():
        wanted.append(np.full(parameter.size, parameter.trainable))
    wanted.append(np.ones(as_vector(point.cond).size, bool))
    return np.flatnonzero(np.concatenate(wanted))
