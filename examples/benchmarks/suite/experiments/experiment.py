"""What an experiment consists of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from ..results import Results
from ..task import Group, Settings


@dataclasses.dataclass(frozen=True)
class Experiment:
    """Groups of tasks, and how to show their results.

    Attributes
    ----------
    name, title : str
        For the command line, and for people.
    groups : callable
        ``groups(settings)`` returns the tasks, grouped by what is compared.
    table : callable
        ``table(results, settings)`` returns Markdown.
    figure : callable or None
        ``figure(results, settings, path)`` writes a picture.
    """

    name: str
    title: str
    groups: Callable[[Settings], list[Group]]
    table: Callable[[Results, Settings], str]
    figure: Callable[[Results, Settings, Path], None] | None = None
