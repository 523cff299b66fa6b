"""The report: all tables as one page of Markdown, with the figures beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .experiments import Experiment
from .goals import goals_table
from .machine import as_text
from .results import Results
from .task import Settings

RESULTS, PAGE = "results.json", "report.md"
EXPLANATION = """\
One forward pass with log-likelihood and the gradient of all parameters. Times are
minima over all rounds; ratios are those of the minima, with the range over rounds;
below 1, this package is the faster. Extra memory is what a step adds to the resident
memory of its process at its peak.
"""
REDUCED = """\
Sizes are reduced to try the scripts: no number here says anything on speed.
"""


def write(
    experiments: Sequence[Experiment],
    results: Results,
    settings: Settings,
    machine: dict,
    folder: Path,
) -> str:
    """Draw the figures, write the page, and return it."""
    parts = ["# Benchmarks", EXPLANATION, as_text(machine)]
    if settings.quick:
        parts.insert(1, REDUCED)
    for experiment in experiments:
        parts.append(f"## {experiment.title}")
        parts.append(experiment.table(results, settings))
        if experiment.figure:
            picture = folder / f"{experiment.name}.png"
            experiment.figure(results, settings, picture)
            parts.append(f"![{experiment.title}]({picture.name})")
    parts += ["## Goals", goals_table(results, settings)]
    page = "\n\n".join(part.strip() for part in parts) + "\n"
    (folder / PAGE).write_text(page, encoding="utf-8")
    return page
