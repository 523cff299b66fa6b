"""Eight steps of Glow on squeezed images: libraries that store and that recompute."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

from ..figures import color_of, legend, save
from ..libraries import (
    CHANNELS_LAST,
    CHECKPOINT,
    FREIA,
    KEEPING,
    MEMCNN,
    NFLOWS,
    NORMFLOWS,
    PYTORCH,
    SMOOTH,
)
from ..results import Results
from ..tables import MIB, comparison
from ..task import OURS, Configuration, Group, Settings, compare
from .experiment import Experiment

STORING = [PYTORCH, CHANNELS_LAST, NORMFLOWS, FREIA, NFLOWS]
LIBRARIES = [OURS, KEEPING, SMOOTH, *STORING, CHECKPOINT, MEMCNN]
SIZES = (64, 128)


def glow(size: int) -> Configuration:
    """Return eight steps on images of ``size``, squeezed once to 12 channels."""
    return Configuration("single_scale", 8, 3, size, hidden=128, steps=8)


QUICK = Configuration("single_scale", 2, 3, 8, hidden=8, steps=1)


def groups(settings: Settings) -> list[Group]:
    """All libraries on each of the sizes."""
    configurations = [QUICK] if settings.quick else [glow(size) for size in SIZES]
    return [compare(LIBRARIES, c, settings) for c in configurations]


def _table(results: Results, settings: Settings) -> str:
    return comparison(results, groups(settings))


def _figure(results: Results, settings: Settings, path: Path) -> None:
    all_groups = groups(settings)
    options = dict(squeeze=False, layout="constrained")
    size = (3.6 * len(all_groups) + 2.0, 3.6)
    _, row = plt.subplots(1, len(all_groups), figsize=size, **options)
    for axes, group in zip(row[0], all_groups, strict=True):
        for task in group:
            time = results.number(task, "time_min")
            extra = results.number(task, "extra")
            if time is None or extra is None:
                continue
            color = color_of(task.library)
            axes.plot(time, extra / MIB, "o", color=color, label=task.library)
        axes.set(xlabel="time, s", ylabel="extra memory, MiB")
        axes.set_xlim(left=0.0)
        axes.set_ylim(bottom=0.0)
        axes.set_title(group[0].configuration.label, size=9)
    legend(*row[0])
    save(path)


SINGLE_SCALE = Experiment(
    "single_scale",
    "Gradient of eight steps of Glow on 12 channels",
    groups,
    _table,
    _figure,
)
