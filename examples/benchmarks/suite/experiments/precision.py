"""Gradients in float32 of a trained Glow of three scales, beside those in float64."""

from __future__ import annotations

import statistics
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator

from ..figures import color_of, curve, legend, save
from ..libraries import NORMFLOWS, SMOOTH
from ..results import Results
from ..tables import NOTHING, table
from ..task import OURS, Configuration, Group, Settings, Task, compare
from .experiment import Experiment

LIBRARIES = [OURS, SMOOTH, NORMFLOWS]
SCALES, STEPS = 3, 8
BOUND = 1e-4
HEADER = ("library", "median", "worst", f"batches within {BOUND:g}")


def groups(settings: Settings) -> list[Group]:
    """All libraries, trained on the same images."""
    sizes = dict(batch=8, channels=3, size=32, hidden=32, steps=STEPS, scales=SCALES)
    if settings.quick:
        sizes.update(batch=2, size=16, hidden=8, steps=1)
    c = Configuration("precision", **sizes)
    return [compare(LIBRARIES, c, settings, timed=False)]


def errors(results: Results, task: Task) -> list[float] | None:
    """Return the error of each batch."""
    return results.rounds[task][0]["errors"] if results.has(task) else None


def _name(task: Task) -> str:
    return task.library if task.library == SMOOTH else f"{task.library}, ReLU"


def _table(results: Results, settings: Settings) -> str:
    rows = []
    for task in groups(settings)[0]:
        found = errors(results, task)
        if found is None:
            error = results.error(task) or NOTHING
            rows.append([_name(task), error, NOTHING, NOTHING])
            continue
        numbers = [f"{n:.1e}" for n in (statistics.median(found), max(found))]
        within = sum(error <= BOUND for error in found)
        rows.append([_name(task), *numbers, f"{within} of {len(found)}"])
    return table(HEADER, rows)


def _figure(results: Results, settings: Settings, path: Path) -> None:
    _, axes = plt.subplots(figsize=(6.5, 3.5))
    for task in groups(settings)[0]:
        found = sorted(errors(results, task) or [])
        points = dict(enumerate(found, start=1))
        color = color_of(task.library)
        curve(axes, points, _name(task), color=color, marker="o")
    axes.axhline(BOUND, color="black", linewidth=0.8)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("batches, by their errors")
    axes.set_ylabel("worst error of a gradient")
    axes.set_title(PRECISION.title, size=10)
    legend(axes)
    save(path)


PRECISION = Experiment(
    "precision",
    "Gradients in float32 of a trained Glow, beside float64",
    groups,
    _table,
    _figure,
)
