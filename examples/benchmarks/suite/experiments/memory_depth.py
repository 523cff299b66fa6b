"""Memory of a gradient over the depth of the network."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

from .. import published
from ..figures import color_of, curve, legend, save, ticks_of_numbers
from ..libraries import NORMFLOWS
from ..results import Results
from ..tables import mebibytes, number, table
from ..task import FLOAT_BYTES, OURS, Group, Settings, Task, compare
from .experiment import Experiment
from .multiscale import glow

LIBRARIES = [OURS, NORMFLOWS]
DEPTHS, QUICK_DEPTHS = (4, 8, 16, 32, 64), (1, 2)
SIZE, QUICK_SIZE = 64, 16
HIDDEN, QUICK_HIDDEN = 256, 8
FEWEST_INPUTS = 10.0
"""Where the logarithmic axis begins."""

HEADER = (
    "K",
    "library",
    "extra memory, MiB",
    "of which gradients of parameters",
    "the rest, in inputs",
    "allocated by a call besides gradients, MiB",
    "process without parameters and gradients, in inputs",
)


def groups(settings: Settings) -> list[Group]:
    """All depths; a second round would find the same memory."""
    if settings.quick:
        configurations = [glow(k, QUICK_HIDDEN, QUICK_SIZE, 2) for k in QUICK_DEPTHS]
    else:
        configurations = [glow(k, HIDDEN, SIZE) for k in DEPTHS]
    return [compare(LIBRARIES, c, settings, timed=False) for c in configurations]


def working_memory(results: Results, task: Task) -> float | None:
    """Return the extra memory of a step less the gradients of the parameters."""
    extra = results.number(task, "extra")
    return None if extra is None else extra - _parameter_bytes(results, task)


def allocated(results: Results, task: Task) -> float | None:
    """Return the bytes that a call allocates, less the gradients of the parameters."""
    traced = results.number(task, "traced_peak")
    return None if traced is None else traced - _parameter_bytes(results, task)


def process_in_inputs(results: Results, task: Task) -> float | None:
    """Return the peak of the process less parameters and gradients, in inputs."""
    peak = results.number(task, "peak")
    if peak is None:
        return None
    without = peak - 2 * _parameter_bytes(results, task)
    return without / task.configuration.input_bytes


def _parameter_bytes(results: Results, task: Task) -> float:
    return FLOAT_BYTES * results.number(task, "parameters")


def _table(results: Results, settings: Settings) -> str:
    rows = []
    for task in [task for group in groups(settings) for task in group]:
        name = [str(task.configuration.steps), task.library]
        if not results.has(task):
            error = results.error(task) or "not measured"
            rows.append([*name, error, *[""] * (len(HEADER) - 3)])
            continue
        working = working_memory(results, task)
        in_inputs = (
            None if working is None else working / task.configuration.input_bytes
        )
        rows.append(
            [
                *name,
                mebibytes(results.number(task, "extra")),
                mebibytes(_parameter_bytes(results, task)),
                number(in_inputs, 0),
                mebibytes(allocated(results, task)),
                number(process_in_inputs(results, task), 0),
            ]
        )
    text = f"Images of {groups(settings)[0][0].configuration.size}² pixels.\n\n"
    return text + table(HEADER, rows)


def _figure(results: Results, settings: Settings, path: Path) -> None:
    _, axes = plt.subplots(figsize=(6.5, 4.2))
    tasks = [task for group in groups(settings) for task in group]
    for library in LIBRARIES:
        points = {
            task.configuration.steps: process_in_inputs(results, task)
            for task in tasks
            if task.library == library
        }
        curve(axes, points, f"{library}, here", marker="o", color=color_of(library))
    julia = published.in_inputs_over_depth(published.JULIA_OVER_DEPTH)
    normflows = published.in_inputs_over_depth(published.NORMFLOWS_OVER_DEPTH)
    style = dict(marker="x", linestyle="--")
    curve(axes, julia, "Julia package, 256², GPU, published", color="gray", **style)
    label = "normflows, 256², GPU, published"
    curve(axes, normflows, label, color=color_of(NORMFLOWS), **style)
    ticks_of_numbers(axes, DEPTHS)
    axes.set(xlabel="steps per scale", yscale="log")
    axes.set_ylabel("peak memory without parameters, in inputs")
    axes.set_ylim(bottom=FEWEST_INPUTS)
    legend(axes)
    axes.set_title(MEMORY_DEPTH.title, size=10)
    save(path)


MEMORY_DEPTH = Experiment(
    "memory_depth", "Memory of a gradient over the depth", groups, _table, _figure
)
