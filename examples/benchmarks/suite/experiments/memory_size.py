"""Memory of a gradient over the size of the images."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

from .. import published
from ..figures import color_of, curve, legend, save, ticks_of_numbers
from ..libraries import NORMFLOWS
from ..results import Results
from ..tables import mebibytes, number, table
from ..task import OURS, Group, Settings, Task, compare
from .experiment import Experiment
from .multiscale import glow

LIBRARIES = [OURS, NORMFLOWS]
SIZES, QUICK_SIZES = (32, 64, 96, 128, 192, 256), (16, 32)
STEPS, HIDDEN = 16, 256
TICKS = (32, 64, 128, 256, 512, 1024)
FEWEST_INPUTS = 10.0
"""Where the logarithmic axis begins."""

HEADER = (
    "image",
    "library",
    "input, MiB",
    "extra memory, MiB",
    "in inputs",
    "peak of process, MiB",
    "in inputs",
)


def groups(settings: Settings) -> list[Group]:
    """All image sizes; a second round would find the same memory."""
    if settings.quick:
        configurations = [glow(1, 8, size, 2) for size in QUICK_SIZES]
    else:
        configurations = [glow(STEPS, HIDDEN, size) for size in SIZES]
    return [compare(LIBRARIES, c, settings, timed=False) for c in configurations]


def in_inputs(results: Results, task: Task, field: str) -> float | None:
    """Return a number of bytes as a multiple of those of the input."""
    value = results.number(task, field)
    return None if value is None else value / task.configuration.input_bytes


def _table(results: Results, settings: Settings) -> str:
    rows = []
    for task in [task for group in groups(settings) for task in group]:
        c = task.configuration
        row = [f"{c.size}²", task.library, mebibytes(c.input_bytes)]
        for field in ("extra", "peak"):
            row.append(mebibytes(results.number(task, field)))
            row.append(number(in_inputs(results, task, field), 0))
        rows.append(row)
    return table(HEADER, rows)


def _figure(results: Results, settings: Settings, path: Path) -> None:
    _, axes = plt.subplots(figsize=(6.5, 4.2))
    tasks = [task for group in groups(settings) for task in group]
    for library in LIBRARIES:
        of_library = [task for task in tasks if task.library == library]
        color = color_of(library)
        for field, what, style in (
            ("peak", "whole process", "-"),
            ("extra", "extra of a step", ":"),
        ):
            points = {
                task.configuration.size: in_inputs(results, task, field)
                for task in of_library
            }
            label = f"{library}, here, {what}"
            curve(axes, points, label, marker="o", color=color, linestyle=style)
    julia = published.in_inputs_over_size(published.JULIA_OVER_SIZE)
    normflows = published.in_inputs_over_size(published.NORMFLOWS_OVER_SIZE)
    style = dict(marker="x", linestyle="--")
    curve(axes, julia, "Julia package, GPU, published", color="gray", **style)
    label = "normflows, GPU, published"
    curve(axes, normflows, label, color=color_of(NORMFLOWS), **style)
    ticks_of_numbers(axes, TICKS)
    axes.set(xlabel="image size", ylabel="peak memory, in inputs", yscale="log")
    axes.set_ylim(bottom=FEWEST_INPUTS)
    legend(axes)
    axes.set_title(MEMORY_SIZE.title, size=10)
    save(path)


MEMORY_SIZE = Experiment(
    "memory_size", "Memory of a gradient over the image size", groups, _table, _figure
)
