"""How the time of a gradient falls with the number of threads."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

from ..figures import color_of, curve, legend, save, ticks_of_numbers
from ..libraries import FREIA, NORMFLOWS, PYTORCH
from ..results import Results
from ..tables import number, seconds, table
from ..task import OURS, Configuration, Group, Settings, Task, compare
from . import multiscale, single_scale
from .experiment import Experiment

HEADER = ("configuration", "library", "threads", "time, s", "speed-up")


def groups(settings: Settings) -> list[Group]:
    """All libraries for each configuration and number of threads."""
    return [
        compare(libraries, configuration, settings, threads=threads)
        for configuration, libraries in _cases(settings)
        for threads in numbers_of_threads(settings)
    ]


def numbers_of_threads(settings: Settings) -> list[int]:
    """Return the powers of two below the number of processors, and that."""
    numbers, n = [], 1
    while n < settings.threads:
        numbers.append(n)
        n *= 2
    return [*numbers, settings.threads]


def _cases(settings: Settings) -> list[tuple[Configuration, list[str]]]:
    if settings.quick:
        quick = multiscale.glow(*multiscale.QUICK_CASES[0])
        return [(quick, [OURS, NORMFLOWS]), (single_scale.QUICK, [OURS, PYTORCH])]
    return [
        (multiscale.glow(4, 256, 128), [OURS, NORMFLOWS]),
        (single_scale.glow(128), [OURS, PYTORCH, NORMFLOWS, FREIA]),
    ]


def _by_threads(
    settings: Settings, configuration: Configuration, library: str
) -> dict[int, Task]:
    return {
        threads: Task(library, configuration, threads)
        for threads in numbers_of_threads(settings)
    }


def _table(results: Results, settings: Settings) -> str:
    rows = []
    for configuration, libraries in _cases(settings):
        for library in libraries:
            tasks = _by_threads(settings, configuration, library)
            alone = results.number(tasks[1], "time_min")
            for threads, task in tasks.items():
                time = results.number(task, "time_min")
                gain = None if time is None or alone is None else alone / time
                name = [configuration.label, library, str(threads)]
                rows.append([*name, seconds(time), number(gain)])
    return table(HEADER, rows)


def _figure(results: Results, settings: Settings, path: Path) -> None:
    cases = _cases(settings)
    options = dict(squeeze=False, layout="constrained")
    size = (3.6 * len(cases) + 2.0, 3.4)
    _, row = plt.subplots(1, len(cases), figsize=size, **options)
    for axes, (configuration, libraries) in zip(row[0], cases, strict=True):
        for library in libraries:
            tasks = _by_threads(settings, configuration, library)
            times = {n: results.number(task, "time_min") for n, task in tasks.items()}
            curve(axes, times, library, marker="o", color=color_of(library))
        ticks_of_numbers(axes, numbers_of_threads(settings))
        axes.set(xlabel="threads", ylabel="time, s")
        axes.set_ylim(bottom=0.0)
        axes.set_title(configuration.label, size=9)
    legend(*row[0])
    save(path)


THREADS = Experiment(
    "threads", "Time of a gradient over the number of threads", groups, _table, _figure
)
