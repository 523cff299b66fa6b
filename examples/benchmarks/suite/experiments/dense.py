"""Eight couplings of vectors."""

from __future__ import annotations

import itertools
from pathlib import Path

from ..figures import relative_times
from ..libraries import FREIA, KEEPING, NFLOWS, NORMFLOWS, PYTORCH, REALNVP, SMOOTH
from ..results import Results
from ..tables import comparison
from ..task import OURS, Configuration, Group, Settings, compare
from .experiment import Experiment

LIBRARIES = [OURS, KEEPING, SMOOTH, PYTORCH, REALNVP, NORMFLOWS, FREIA, NFLOWS]
FEATURES, WIDTHS, BATCHES = (64, 16), (256, 64), (1024, 128)
STEPS = 8


def flow(features: int, hidden: int, batch: int, steps: int = STEPS) -> Configuration:
    """Return couplings whose conditioners have two hidden layers."""
    return Configuration("dense", batch, features, 1, 0, hidden, steps)


QUICK = flow(4, 8, 16, 1)


def groups(settings: Settings) -> list[Group]:
    """All libraries on all combinations of features, width and batch."""
    configurations = [flow(*c) for c in itertools.product(FEATURES, WIDTHS, BATCHES)]
    if settings.quick:
        configurations = [QUICK]
    return [compare(LIBRARIES, c, settings) for c in configurations]


def _table(results: Results, settings: Settings) -> str:
    return comparison(results, groups(settings))


def _figure(results: Results, settings: Settings, path: Path) -> None:
    relative_times(results, groups(settings), DENSE.title, path)


DENSE = Experiment(
    "dense", "Gradient of eight couplings of vectors", groups, _table, _figure
)
