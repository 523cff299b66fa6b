"""Square convolutions, which other conditioners than Glow's are made of."""

from __future__ import annotations

from pathlib import Path

from ..figures import relative_times
from ..libraries import CHANNELS_LAST, PYTORCH
from ..results import Results
from ..tables import NOTHING, number, seconds, table
from ..task import OURS, Configuration, Group, Settings, Task, compare
from .experiment import Experiment

LIBRARIES = [OURS, PYTORCH, CHANNELS_LAST]
KERNELS = ("convolution", "convolution_adjoint_x", "convolution_adjoint_w")
BLOCK = "residual_block"
PRODUCTS_OF_BLOCK = 9
"""Three convolutions, each with its value and two gradients."""

CASES = (
    # channels, size, spatial axes, batch
    (32, 128, 2, 8),
    (64, 64, 2, 8),
    (128, 32, 2, 8),
    (256, 16, 2, 8),
    (16, 32, 3, 8),
)
QUICK_CASES = ((4, 8, 2, 2), (2, 4, 3, 2))

HEADER = (
    "configuration",
    "library",
    "time, ms: min",
    "GFLOP/s",
    "ours/theirs (range)",
)


def groups(settings: Settings) -> list[Group]:
    """All libraries on all kernels of all shapes."""
    return [
        compare(LIBRARIES, Configuration(model, batch, channels, size, ndims), settings)
        for channels, size, ndims, batch in (QUICK_CASES if settings.quick else CASES)
        for model in (*KERNELS, BLOCK)
    ]


def _rate(results: Results, task: Task) -> float | None:
    """Return multiplications and additions per nanosecond."""
    time = results.number(task, "time_min")
    if time is None:
        return None
    c = task.configuration
    product = 2.0 * c.batch * c.size**c.ndims * 3**c.ndims * c.channels**2
    products = PRODUCTS_OF_BLOCK if c.model == BLOCK else 1
    return 1e-9 * products * product / time


def _table(results: Results, settings: Settings) -> str:
    rows = []
    for group in groups(settings):
        for task in group:
            time = results.number(task, "time_min")
            ratio = results.ratio(group[0], task) if task != group[0] else None
            rows.append(
                [
                    task.configuration.label,
                    task.library,
                    seconds(None if time is None else 1e3 * time),
                    number(_rate(results, task), 0),
                    NOTHING if ratio is None else str(ratio),
                ]
            )
    return table(HEADER, rows)


def _figure(results: Results, settings: Settings, path: Path) -> None:
    relative_times(results, groups(settings), CONVOLUTIONS.title, path)


CONVOLUTIONS = Experiment(
    "convolutions",
    "Convolutions of width 3 with as many channels out as in",
    groups,
    _table,
    _figure,
)
