"""How far this package is from the speed of the matrix products alone."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

from ..figures import color_of, save
from ..flops import (
    PRODUCT,
    QUICK_PRODUCT,
    evaluation_flops,
    limit_seconds,
    ratio_to_limit,
)
from ..libraries import NUMPY
from ..results import Results
from ..tables import NOTHING, number, seconds, table
from ..task import OURS, Group, Settings, Task
from . import multiscale, single_scale
from .experiment import Experiment

HEADER = ("configuration", "one evaluation, GFLOP", "limit, s", "time, s", "time/limit")


def product(settings: Settings) -> Task:
    """Return the product that shows what the machine can do."""
    configuration = QUICK_PRODUCT if settings.quick else PRODUCT
    return Task(NUMPY, configuration, settings.threads)


def flows(settings: Settings) -> Group:
    """Return this package's tasks on images."""
    all_groups = multiscale.groups(settings) + single_scale.groups(settings)
    return [task for group in all_groups for task in group if task.library == OURS]


def groups(settings: Settings) -> list[Group]:
    """The product, and what other experiments may have measured already."""
    return [[product(settings)], *[[task] for task in flows(settings)]]


def _table(results: Results, settings: Settings) -> str:
    reference = product(settings)
    time = results.number(reference, "time_min")
    if time is None:
        return "not measured"
    size = reference.configuration.size
    rate = 2.0 * size**3 / time / 1e9
    rows = []
    for task in flows(settings):
        c = task.configuration
        rows.append(
            [
                _name(task),
                number(evaluation_flops(c) / 1e9),
                seconds(limit_seconds(c, time, size)),
                seconds(results.number(task, "time_min")),
                number(ratio_to_limit(results, task, reference)),
            ]
        )
    text = f"Product of {size} x {size} matrices: {rate:.0f} GFLOP/s.\n\n"
    return text + table(HEADER, rows)


def _figure(results: Results, settings: Settings, path: Path) -> None:
    tasks = flows(settings)
    _, axes = plt.subplots(figsize=(6.5, 1.2 + 0.3 * len(tasks)))
    for position, task in enumerate(tasks):
        ratio = ratio_to_limit(results, task, product(settings))
        axes.barh(position, ratio or 0.0, color=color_of(OURS))
        text = NOTHING if ratio is None else f" {ratio:.2f}"
        axes.text(ratio or 0.0, position, text, va="center", size=7)
    axes.axvline(1.0, color="black", linewidth=0.8)
    labels = [_name(task) for task in tasks]
    axes.margins(x=0.1)
    axes.set_yticks(range(len(tasks)), labels, size=8)
    axes.invert_yaxis()
    axes.set_xlabel("time, in units of the arithmetic limit")
    axes.set_title(LIMIT.title, size=10)
    save(path)


def _name(task: Task) -> str:
    return f"L={task.configuration.scales}, {task.configuration.label}"


LIMIT = Experiment("limit", "Distance to the arithmetic limit", groups, _table, _figure)
