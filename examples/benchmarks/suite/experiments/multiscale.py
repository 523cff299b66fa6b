"""Glow of three scales, as in the papers on the Julia package and on normflows."""

from __future__ import annotations

from pathlib import Path

from ..figures import relative_times
from ..libraries import KEEPING, NORMFLOWS, SMOOTH
from ..results import Results
from ..tables import comparison
from ..task import OURS, Configuration, Group, Settings, compare
from .experiment import Experiment

LIBRARIES = [OURS, KEEPING, SMOOTH, NORMFLOWS]
SCALES = 3

CASES = (
    # steps per scale, hidden channels, image size, batch
    (4, 256, 64, 8),
    (4, 256, 128, 8),
    (4, 256, 256, 2),
    (8, 256, 64, 8),
    (16, 256, 128, 8),
    (16, 512, 32, 8),
    (4, 64, 64, 8),
    (4, 64, 128, 8),
    (4, 64, 256, 8),
)
QUICK_CASES = ((1, 8, 16, 2),)


def glow(steps: int, hidden: int, size: int, batch: int = 8) -> Configuration:
    """Return Glow of three scales on images of three channels."""
    return Configuration("multiscale", batch, 3, size, 2, hidden, steps, SCALES)


def groups(settings: Settings) -> list[Group]:
    """All libraries on each of the cases."""
    cases = QUICK_CASES if settings.quick else CASES
    return [compare(LIBRARIES, glow(*case), settings) for case in cases]


def _table(results: Results, settings: Settings) -> str:
    return comparison(results, groups(settings))


def _figure(results: Results, settings: Settings, path: Path) -> None:
    relative_times(results, groups(settings), MULTISCALE.title, path)


MULTISCALE = Experiment(
    "multiscale", "Gradient of a Glow of three scales", groups, _table, _figure
)
