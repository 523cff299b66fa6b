"""The goals of this package, held against what was measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from . import published
from .experiments import (
    dense,
    imports,
    limit,
    memory_depth,
    memory_limit,
    memory_size,
    multiscale,
    precision,
    single_scale,
)
from .flops import ratio_to_limit
from .libraries import CHECKPOINT, FREIA, MEMCNN, NFLOWS, NORMFLOWS, PYTORCH, SMOOTH
from .results import Results
from .tables import NOTHING, table
from .task import OURS, Group, Settings, Task

LARGE_IMAGE = 128
HEADER = ("goal", "at most", "measured (worst case)", "reached")

Cases = list[tuple[str, float | None]]
"""What was measured, and the value; ``None`` if it is missing."""


@dataclasses.dataclass(frozen=True)
class Goal:
    """A number that is to be small in every case.

    Attributes
    ----------
    text : str
        What it is.
    bound : float
        How large it may be.
    cases : callable
        ``cases(results, settings)`` returns the values.
    """

    text: str
    bound: float
    cases: Callable[[Results, Settings], Cases]

    def row(self, results: Results, settings: Settings) -> list[str]:
        """Return the row of the table; reached means by every case."""
        cases = self.cases(results, settings)
        known = [(value, label) for label, value in cases if value is not None]
        start = [self.text, f"{self.bound:g}"]
        if not known:
            return [*start, "not measured", NOTHING]
        value, label = max(known)
        measured, missing = f"{value:.3g} ({label})", len(cases) - len(known)
        if missing:
            measured += f"; {missing} of {len(cases)} cases not measured"
        if settings.quick:
            return [*start, measured, NOTHING]  # Tiny sizes say nothing.
        if not value <= self.bound:
            return [*start, measured, "no"]
        return [*start, measured, "open" if missing else "yes"]


def goals_table(results: Results, settings: Settings) -> str:
    """Return the table of all goals."""
    return table(HEADER, [goal.row(results, settings) for goal in GOALS])


def _is_large(group: Group) -> bool:
    return group[0].configuration.size >= LARGE_IMAGE


def _times(
    results: Results, groups: Iterable[Group], own: str, libraries: tuple[str, ...]
) -> Cases:
    """Time of ours in units of the fastest of some libraries."""
    cases = []
    for group in groups:
        ours = next(task for task in group if task.library == own)
        others = [task for task in group if task.library in libraries]
        ratios = [results.ratio(ours, task) for task in others]
        worst = None if None in ratios else max(ratio.value for ratio in ratios)
        cases.append((ours.configuration.label, worst))
    return cases


def _large_multiscale(own: str) -> Callable[[Results, Settings], Cases]:
    def cases(results: Results, settings: Settings) -> Cases:
        groups = filter(_is_large, multiscale.groups(settings))
        return _times(results, groups, own, (NORMFLOWS,))

    return cases


def _large_single_scale(
    own: str, *libraries: str
) -> Callable[[Results, Settings], Cases]:
    def cases(results: Results, settings: Settings) -> Cases:
        groups = filter(_is_large, single_scale.groups(settings))
        return _times(results, groups, own, libraries)

    return cases


def _small_and_dense(own: str) -> Callable[[Results, Settings], Cases]:
    def cases(results: Results, settings: Settings) -> Cases:
        images = multiscale.groups(settings) + single_scale.groups(settings)
        small = [group for group in images if not _is_large(group)]
        groups = small + dense.groups(settings)
        return _times(results, groups, own, (NORMFLOWS, FREIA, NFLOWS, PYTORCH))

    return cases


def _limits(results: Results, settings: Settings) -> Cases:
    product = limit.product(settings)
    return [
        (task.configuration.label, ratio_to_limit(results, task, product))
        for task in limit.flows(settings)
    ]


def _memory_of_both(results: Results, settings: Settings) -> Cases:
    cases = []
    for group in memory_size.groups(settings):
        if group[0].configuration.size == LARGE_IMAGE:
            ours, theirs = (results.number(task, "extra") for task in group)
            ratio = None if ours is None or theirs is None else ours / theirs
            cases.append((group[0].configuration.label, ratio))
    return cases


def _growth(
    memory: Callable[[Results, Task], float | None],
) -> Callable[[Results, Settings], Cases]:
    """Growth of some measure of memory from the shallowest network to the deepest."""

    def cases(results: Results, settings: Settings) -> Cases:
        groups = memory_depth.groups(settings)
        shallow, deep = groups[0][0], groups[-1][0]
        before, after = memory(results, shallow), memory(results, deep)
        label = f"K={shallow.configuration.steps} to K={deep.configuration.steps}"
        known = before is not None and after is not None
        return [(label, after / before - 1.0 if known else None)]

    return cases


def _below_published(results: Results, settings: Settings) -> Cases:
    julia = published.in_inputs_over_size(published.JULIA_OVER_SIZE)
    normflows = published.in_inputs_over_size(published.NORMFLOWS_OVER_SIZE)
    cases = []
    for group in memory_size.groups(settings):
        c = group[0].configuration
        if c.size in julia and c.size in normflows:
            here = memory_size.in_inputs(results, group[0], "peak")
            smallest = min(julia[c.size], normflows[c.size])
            cases.append((c.label, None if here is None else here / smallest))
    return cases


def _limits_of_memory(results: Results, settings: Settings) -> Cases:
    tasks = [task for group in memory_limit.groups(settings) for task in group]
    return [
        (task.configuration.label, memory_limit.kept(results, task)) for task in tasks
    ]


def _precision(library: str) -> Callable[[Results, Settings], Cases]:
    """Error of the worst gradient in all batches."""

    def cases(results: Results, settings: Settings) -> Cases:
        tasks = precision.groups(settings)[0]
        found = next(
            precision.errors(results, t) for t in tasks if t.library == library
        )
        return [("of a parameter", None if found is None else max(found))]

    return cases


def _import(results: Results, settings: Settings) -> Cases:
    return [("seconds", imports.beyond_numpy(results, OURS, settings))]


def _goals_of_time(own: str, remark: str = "") -> tuple[Goal, ...]:
    storing = (FREIA, NFLOWS, PYTORCH)
    return (
        Goal(
            f"time{remark} / normflows, three scales, from 128²",
            0.5,
            _large_multiscale(own),
        ),
        Goal(
            f"time{remark} / fastest of FrEIA, nflows and plain PyTorch, one scale, "
            "from 128²",
            0.75,
            _large_single_scale(own, *storing),
        ),
        Goal(
            f"time{remark} / fastest of all, below 128² and vectors",
            0.9,
            _small_and_dense(own),
        ),
        Goal(
            f"time{remark} / MemCNN's wrapper, from 128²",
            0.3,
            _large_single_scale(own, MEMCNN),
        ),
        Goal(
            f"time{remark} / checkpoints, from 128²",
            0.45,
            _large_single_scale(own, CHECKPOINT),
        ),
    )


GOALS = (
    *_goals_of_time(OURS),
    *_goals_of_time(SMOOTH, " with tanh"),
    Goal("time / arithmetic limit", 1.25, _limits),
    Goal("extra memory / normflows, K=16, 128²", 0.1, _memory_of_both),
    Goal(
        "growth of what a call allocates besides gradients",
        0.02,
        _growth(memory_depth.allocated),
    ),
    Goal(
        "growth of resident memory besides parameters and gradients",
        0.02,
        _growth(memory_depth.working_memory),
    ),
    Goal("whole process / smaller published curve, in inputs", 1.0, _below_published),
    Goal("peak of a call / its memory limit", 1.05, _limits_of_memory),
    Goal("float32 gradients / float64, tanh", precision.BOUND, _precision(SMOOTH)),
    Goal("float32 gradients / float64, ReLU", precision.BOUND, _precision(OURS)),
    Goal("import beyond NumPy's, no framework", 0.3, _import),
)
