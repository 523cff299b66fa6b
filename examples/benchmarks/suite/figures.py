"""Figures: bars of relative times, and curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from .libraries import (
    CHANNELS_LAST,
    CHECKPOINT,
    FREIA,
    KEEPING,
    MEMCNN,
    NFLOWS,
    NORMFLOWS,
    PYTORCH,
    REALNVP,
    SMOOTH,
)
from .results import Results
from .task import OURS, Group

COLORS = {
    OURS: "#d62728",
    KEEPING: "#ff9896",
    SMOOTH: "#e377c2",
    PYTORCH: "#9467bd",
    CHANNELS_LAST: "#c5b0d5",
    REALNVP: "#bcbd22",
    NORMFLOWS: "#1f77b4",
    FREIA: "#2ca02c",
    NFLOWS: "#17becf",
    MEMCNN: "#ff7f0e",
    CHECKPOINT: "#8c564b",
}
OTHER_COLOR = "#7f7f7f"
DOTS_PER_INCH = 120
BAR_HEIGHT = 0.24


def color_of(library: str) -> str:
    """Return the color of a library, the same in all figures."""
    return COLORS.get(library, OTHER_COLOR)


def save(path: Path) -> None:
    """Write the current figure, and close it."""
    plt.savefig(path, dpi=DOTS_PER_INCH, bbox_inches="tight")
    plt.close()


def relative_times(
    results: Results, groups: Sequence[Group], title: str, path: Path
) -> None:
    """Draw the times of the other libraries in units of ours.

    Parameters
    ----------
    results : Results
        What was measured.
    groups : list of list of Task
        One block of bars for each.
    title : str
        Above the figure.
    path : Path
        Where to write it.
    """
    labels, positions, top, shown = [], [], 0.0, set()
    bars = sum(len(group) + 1 for group in groups)
    _, axes = plt.subplots(figsize=(7.5, 1.2 + BAR_HEIGHT * bars))
    for group in groups:
        ours = next(task for task in group if task.library == OURS)
        start = top
        for task in group:
            ratio = results.ratio(task, ours)
            if ratio is None:
                continue
            label = task.library if task.library not in shown else None
            shown.add(task.library)
            color = color_of(task.library)
            axes.barh(top, ratio.value, height=0.9, color=color, label=label)
            axes.text(ratio.value, top, f" {ratio.value:.2f}", va="center", size=7)
            top += 1.0
        labels.append(group[0].configuration.label)
        positions.append((start + top - 1.0) / 2.0)
        top += 1.0
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_yticks(positions, labels, size=8)
    axes.set_ylim(top, -1.0)
    axes.margins(x=0.1)
    axes.set_xlabel(f"time, in units of {OURS} (longer is slower)")
    axes.set_title(title, size=10)
    legend(axes)
    save(path)


def curve(
    axes: Axes, points: dict[float, float | None], label: str, **style: object
) -> None:
    """Draw the points that exist, joined by lines."""
    known = {x: y for x, y in points.items() if y is not None}
    if known:
        axes.plot(list(known), list(known.values()), label=label, **style)


def ticks_of_numbers(axes: Axes, numbers: Sequence[int]) -> None:
    """Make the first axis logarithmic, with these numbers on it."""
    axes.set_xscale("log")
    axes.set_xticks(numbers, numbers)
    axes.xaxis.set_minor_locator(NullLocator())


def legend(*row: Axes) -> None:
    """Draw one legend to the right of a row of axes, if there is anything to say."""
    shown = {}
    for axes in row:
        handles, labels = axes.get_legend_handles_labels()
        shown.update(zip(labels, handles, strict=True))
    if shown:
        options = dict(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        row[-1].legend(shown.values(), shown.keys(), fontsize=8, **options)
