"""How a broken class says which checks must find its fault."""

from __future__ import annotations

from dataclasses import dataclass

from invertiblenetworks.base import Net
from invertiblenetworks.testing import Case

SHAPE = (2, 3, 4)


@dataclass(frozen=True)
class Broken:
    """A broken layer or net, and the names of the checks that must fail for it."""

    case: Case
    caught_by: tuple[str, ...]


BROKEN_LAYERS: list[Broken] = []
BROKEN_NETS: list[Broken] = []


def case_of(kind, **options) -> Case:
    """The case of a class of the zoo."""

    def build(f):
        return kind(SHAPE[1], dtype=f.dtype, rng=f.rng)

    return Case(kind.__name__, build, SHAPE, **options)


def caught_by(*names: str, **options):
    """Register a broken class with the checks that must fail for it."""

    def register(kind):
        kinds = BROKEN_NETS if issubclass(kind, Net) else BROKEN_LAYERS
        kinds.append(Broken(case_of(kind, **options), names))
        return kind

    return register
