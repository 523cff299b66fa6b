"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from .results import Results
from .task import OURS, Group, Task

NOTHING = "–"
MIB = 2**20

COMPARISON = (
    "configuration",
    "library",
    "time, s: min",
    "median",
    "ours/theirs (range)",
    "extra memory, MiB",
    "peak of process, MiB",
    "weights of conditioners",
)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    rule = ["---"] * len(header)
    lines = [header, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def comparison(results: Results, groups: Sequence[Group]) -> str:
    """Return a table of times and memory, one row for each task.

    The weights of the conditioners must be the same within a group; where they are
    not, the row says so.
    """
    rows = []
    for group in groups:
        ours = next(task for task in group if task.library == OURS)
        for task in group:
            rows.append(_comparison_row(results, task, ours))
    return table(COMPARISON, rows)


def seconds(value: float | None) -> str:
    """Format a time."""
    return NOTHING if value is None else f"{value:.3g}"


def mebibytes(value: float | None) -> str:
    """Format a number of bytes."""
    return NOTHING if value is None else f"{value / MIB:.1f}"


def number(value: float | None, digits: int = 2) -> str:
    """Format a number."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def _comparison_row(results: Results, task: Task, ours: Task) -> list[str]:
    name = [task.configuration.label, task.library]
    error = results.error(task)
    if error:
        return [*name, f"failed: {error}", *[""] * (len(COMPARISON) - 3)]
    ratio = results.ratio(ours, task) if task != ours else None
    return [
        *name,
        seconds(results.number(task, "time_min")),
        seconds(results.number(task, "time_median")),
        NOTHING if ratio is None else str(ratio),
        mebibytes(results.number(task, "extra")),
        mebibytes(results.number(task, "peak")),
        _weights(results, task, ours),
    ]


def _weights(results: Results, task: Task, ours: Task) -> str:
    weights = results.number(task, "conditioner_weights")
    if weights is None:
        return NOTHING
    expected = results.number(ours, "conditioner_weights")
    remark = "" if expected in (None, weights) else " (NOT the same)"
    return f"{weights:.0f}{remark}"
