"""What a limit on the memory of a call costs in time, and whether it is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import matplotlib.pyplot as plt

from ..figures import color_of, curve, save
from ..results import Results
from ..tables import mebibytes, number, seconds, table
from ..task import OURS, Group, Settings, Task
from . import multiscale
from .experiment import Experiment

PERCENT, QUICK_PERCENT = (100, 70, 50, 40, 37), (100, 150)
HEADER = (
    "configuration",
    "limit, MiB",
    "peak of a call, MiB",
    "peak/limit",
    "time, s",
    "time/unlimited",
)


def groups(settings: Settings) -> list[Group]:
    """One network under all limits."""
    if settings.quick:
        glow, percent = multiscale.glow(*multiscale.QUICK_CASES[0]), QUICK_PERCENT
    else:
        glow, percent = multiscale.glow(4, 256, 128), PERCENT
    of_limit = [
        dataclasses.replace(glow, model="limited", limit_percent=p) for p in percent
    ]
    return [[Task(OURS, c, settings.threads)] for c in of_limit]


def kept(results: Results, task: Task) -> float | None:
    """Peak of a call in units of its limit."""
    peak, limit = (results.number(task, name) for name in ("traced_peak", "limit"))
    return None if peak is None or limit is None else peak / limit


def _tasks(settings: Settings) -> list[Task]:
    return [task for group in groups(settings) for task in group]


def _slowdown(results: Results, settings: Settings, task: Task) -> float | None:
    times = (results.number(t, "time_min") for t in (task, _tasks(settings)[0]))
    time, unlimited = times
    return None if time is None or unlimited is None else time / unlimited


def _table(results: Results, settings: Settings) -> str:
    rows = []
    for task in _tasks(settings):
        error = results.error(task)
        name = task.configuration.label
        if error:
            rows.append([name, f"failed: {error}", *[""] * (len(HEADER) - 2)])
            continue
        rows.append(
            [
                name,
                mebibytes(results.number(task, "limit")),
                mebibytes(results.number(task, "traced_peak")),
                number(kept(results, task), 3),
                seconds(results.number(task, "time_min")),
                number(_slowdown(results, settings, task)),
            ]
        )
    return table(HEADER, rows)


def _figure(results: Results, settings: Settings, path: Path) -> None:
    tasks = _tasks(settings)
    limits = [results.number(task, "limit") for task in tasks]
    slowdowns = [_slowdown(results, settings, task) for task in tasks]
    points = {
        limit / 2**20: slowdown
        for limit, slowdown in zip(limits, slowdowns, strict=True)
        if limit is not None
    }
    _, axes = plt.subplots(figsize=(5.0, 3.4))
    curve(axes, points, OURS, marker="o", color=color_of(OURS))
    axes.set(xlabel="memory limit, MiB", ylabel="time, in units of the unlimited step")
    axes.set_xlim(left=0.0)
    axes.set_ylim(bottom=0.0)
    axes.set_title(tasks[0].configuration.label, size=9)
    save(path)


MEMORY_LIMIT = Experiment(
    "memory_limit", "Time of a gradient under a memory limit", groups, _table, _figure
)
