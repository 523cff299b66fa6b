"""Start the processes that measure: one at a time, those of a group in turn."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .libraries import WITHOUT_PEERS
from .results import Results
from .task import Group, Task

FOLDER = Path(__file__).parents[1]
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
TIMEOUT = 3600.0


@dataclasses.dataclass(frozen=True)
class Launcher:
    """How to measure.

    Attributes
    ----------
    peers : Path or None
        Interpreter that has the other libraries; without, their tasks are left out.
    rounds : int
        How often the processes of a group are started.
    seconds : float
        How long each of them repeats its step.
    """

    peers: Path | None
    rounds: int
    seconds: float

    def run_in_turn(self, group: Group, results: Results) -> None:
        """Measure a group: A, B, C, A, B, C, ...; not again what failed."""
        tasks = results.missing(self.possible(group))
        # Memory is the same in every round.
        rounds = self.rounds if any(task.timed for task in tasks) else 1
        for _ in range(rounds):
            for task in tasks:
                if results.error(task) is None:
                    (record,) = self.run_process([task])
                    results.add(task, record)

    def run_together(self, groups: list[Group], results: Results) -> None:
        """Measure all tasks in as few processes as possible, for a quick try."""
        tasks = [task for group in groups for task in self.possible(group)]
        for shared in _by_environment(results.missing(tasks)):
            for task, record in zip(shared, self.run_process(shared), strict=True):
                results.add(task, record)

    def possible(self, group: Group) -> Group:
        """Return the tasks for which there is an interpreter."""
        return [t for t in group if self.peers or t.library in WITHOUT_PEERS]

    def run_process(self, tasks: Group) -> list[dict]:
        """Measure tasks of one environment in one process; one record for each."""
        ours = tasks[0].library in WITHOUT_PEERS
        request = {
            "tasks": [dataclasses.asdict(task) for task in tasks],
            "seconds": self.seconds,
        }
        try:
            finished = subprocess.run(
                [sys.executable if ours else self.peers, "-m", "suite.worker"],
                input=json.dumps(request),
                env=_environment(tasks[0].threads, ours),
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            return [{"error": f"no answer in {TIMEOUT:.0f} s"}] * len(tasks)
        records = [json.loads(line) for line in finished.stdout.splitlines()]
        last_words = finished.stderr.strip().rpartition("\n")[2]
        error = {"error": f"exit status {finished.returncode}: {last_words}"}
        return records + [error] * (len(tasks) - len(records))


def _environment(threads: int, ours: bool) -> dict[str, str]:
    values = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
    path = [str(FOLDER)]
    if ours:
        path += filter(None, [os.environ.get("PYTHONPATH")])
    else:
        # Other people's warnings are not to be turned into errors.
        values["PYTHONWARNINGS"] = "ignore"
    values["PYTHONPATH"] = os.pathsep.join(path)
    return values


def _by_environment(tasks: list[Task]) -> Iterator[Group]:
    shared: dict[tuple[bool, int], Group] = {}
    for task in tasks:
        key = (task.library in WITHOUT_PEERS, task.threads)
        shared.setdefault(key, []).append(task)
    yield from shared.values()
