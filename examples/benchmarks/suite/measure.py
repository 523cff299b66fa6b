"""Measurement of one subject: time and memory of its step."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable

from . import memory
from .subject import Subject
from .task import Configuration

MIN_REPEATS, MAX_REPEATS = 3, 200
STEPS_FOR_MEMORY = 2
"""Two, since the second one finds the memory as the first one left it."""


def measure(
    build: Callable[[Configuration], Subject],
    configuration: Configuration,
    seconds: float | None,
) -> dict:
    """Measure memory, then time.

    Parameters
    ----------
    build : callable
        Returns the subject.
    configuration : Configuration
        Its argument.
    seconds : float or None
        How long to repeat the step; 0 for once; ``None`` for no time at all.

    Returns
    -------
    dict
        ``time_min``, ``time_median`` (s), ``repeats``; ``extra`` and ``peak`` (bytes);
        ``parameters``, ``conditioner_weights``, ``value``, and the subject's own
        ``numbers``; without times its ``traced_peak`` (bytes).

    Notes
    -----
    ``extra`` is the peak of the resident memory during the first two steps less what
    was resident before them. A step of the reduced configuration comes before all
    that: it loads code and starts threads, but a workspace that a library would keep
    from step to step does not exist yet in its full size, so it counts.
    """
    build(configuration.reduced()).step()
    subject = build(configuration)
    memory.return_free_memory()
    before = memory.resident()
    can_tell = memory.reset_peak()
    for _ in range(STEPS_FOR_MEMORY):
        value = subject.step()
    peak = memory.peak() if can_tell else None
    if not math.isfinite(value):
        raise ArithmeticError(f"a step returned {value}")
    record = {
        "extra": None if peak is None else peak - before,
        "peak": peak,
        "parameters": subject.parameters,
        "conditioner_weights": subject.conditioner_weights,
        "value": value,
        **subject.numbers,
    }
    if seconds is not None:
        times = _repeat(subject.step, seconds)
        record["time_min"] = min(times)
        record["time_median"] = statistics.median(times)
        record["repeats"] = len(times)
    elif subject.traced_peak is not None:
        record["traced_peak"] = subject.traced_peak()
    return record


def _repeat(step: Callable[[], float], seconds: float) -> list[float]:
    times = []
    fewest = MIN_REPEATS if seconds else 1
    while len(times) < fewest or (sum(times) < seconds and len(times) < MAX_REPEATS):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return times
