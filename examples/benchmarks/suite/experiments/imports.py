"""How long an interpreter takes to start and to import a library."""

from __future__ import annotations

from ..libraries import NUMPY, PYTORCH
from ..results import Results
from ..tables import NOTHING, seconds, table
from ..task import OURS, Configuration, Group, Settings, Task, compare
from .experiment import Experiment

LIBRARIES = [NUMPY, OURS, PYTORCH]
CONFIGURATION = Configuration("import_package")
HEADER = ("import of", "start to end, s", "beyond NumPy, s")


def groups(settings: Settings) -> list[Group]:
    """All libraries; the processes measured load no framework unasked."""
    libraries = [NUMPY, OURS] if settings.quick else LIBRARIES
    return [compare(libraries, CONFIGURATION, settings)]


def beyond_numpy(results: Results, library: str, settings: Settings) -> float | None:
    """Return the seconds that an import takes beyond that of NumPy."""
    time, numpy_time = (
        results.number(Task(name, CONFIGURATION, settings.threads), "time_min")
        for name in (library, NUMPY)
    )
    return None if time is None or numpy_time is None else time - numpy_time


def _table(results: Results, settings: Settings) -> str:
    rows = []
    for task in groups(settings)[0]:
        time = seconds(results.number(task, "time_min"))
        beyond = beyond_numpy(results, task.library, settings)
        name = results.error(task) or task.library
        rows.append([name, time, NOTHING if beyond is None else f"{beyond:.3f}"])
    return table(HEADER, rows)


IMPORTS = Experiment("imports", "Import", groups, _table)
