"""What was measured, and the numbers derived from it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

from .task import Task


@dataclasses.dataclass(frozen=True)
class Ratio:
    """Quotient of two times.

    Attributes
    ----------
    value : float
        Of the minima over all rounds.
    low, high : float
        Smallest and largest quotient within a round.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f}–{self.high:.2f})"


class Results:
    """Records by task; one for each round in which it was measured."""

    def __init__(self):
        self.rounds: dict[Task, list[dict]] = {}

    def add(self, task: Task, record: dict) -> None:
        """Append the record of one more round."""
        self.rounds.setdefault(task, []).append(record)

    def error(self, task: Task) -> str | None:
        """Return why a task failed, if it did."""
        records = self.rounds.get(task, [])
        return next((r["error"] for r in records if "error" in r), None)

    def errors(self) -> list[str]:
        """Return what failed, and why."""
        failed = [(task, self.error(task)) for task in self.rounds]
        return [
            f"{task.library}: {task.configuration.label}: {error}"
            for task, error in failed
            if error
        ]

    def has(self, task: Task) -> bool:
        """Whether the task was measured with success."""
        return bool(self.rounds.get(task)) and self.error(task) is None

    def number(self, task: Task, field: str) -> float | None:
        """Return the smallest value of a field, or ``None`` if there is none."""
        if not self.has(task):
            return None
        values = [record.get(field) for record in self.rounds[task]]
        return None if None in values else min(values)

    def ratio(self, task: Task, other: Task) -> Ratio | None:
        """Return the time of ``task`` in units of that of ``other``."""
        if self.number(task, "time_min") is None:
            return None
        if self.number(other, "time_min") is None:
            return None
        ours = [record["time_min"] for record in self.rounds[task]]
        theirs = [record["time_min"] for record in self.rounds[other]]
        # Tasks of different groups may have different numbers of rounds.
        quotients = [a / b for a, b in zip(ours, theirs, strict=False)]
        return Ratio(min(ours) / min(theirs), min(quotients), max(quotients))

    def write(self, path: Path, description: dict) -> None:
        """Write everything as JSON, with a description of the machine."""
        records = [
            {"task": dataclasses.asdict(task), "rounds": rounds}
            for task, rounds in self.rounds.items()
        ]
        content = {"machine": description, "results": records}
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read what ``write`` wrote, less the tasks that failed."""
        results = cls()
        for entry in json.loads(path.read_text(encoding="utf-8"))["results"]:
            task = Task.from_dict(entry["task"])
            results.rounds[task] = entry["rounds"]
        for task in [t for t in results.rounds if results.error(t)]:
            del results.rounds[task]
        return results

    def missing(self, tasks: Iterable[Task]) -> list[Task]:
        """Return the tasks that are still to be measured, each once."""
        return [task for task in dict.fromkeys(tasks) if task not in self.rounds]
