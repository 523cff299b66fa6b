"""The process that measures: tasks come as JSON, one line of JSON answers each.

It runs under the interpreter of the library that it measures, which need not have
the other libraries.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys

from . import memory
from .libraries import MODULES
from .measure import measure
from .task import Task


def answer(task: Task, seconds: float) -> dict:
    """Measure one task; say what went wrong rather than raise."""
    try:
        module = importlib.import_module(f".libraries.{MODULES[task.library]}", "suite")
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(task.threads)
        build = getattr(module, task.configuration.model)
        return measure(build, task.configuration, seconds if task.timed else None)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    request = json.load(sys.stdin)
    memory.kill_me_first()
    answers = sys.stdout
    # Libraries may print; what they say must not be taken for an answer.
    with contextlib.redirect_stdout(sys.stderr):
        for values in request["tasks"]:
            record = answer(Task.from_dict(values), request["seconds"])
            print(json.dumps(record), file=answers, flush=True)


if __name__ == "__main__":
    main()
