"""The experiments, in the order in which they are run."""

from __future__ import annotations

from .convolutions import CONVOLUTIONS
from .dense import DENSE
from .experiment import Experiment
from .imports import IMPORTS
from .limit import LIMIT
from .memory_depth import MEMORY_DEPTH
from .memory_limit import MEMORY_LIMIT
from .memory_size import MEMORY_SIZE
from .multiscale import MULTISCALE
from .precision import PRECISION
from .single_scale import SINGLE_SCALE
from .threads import THREADS

EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in (
        MULTISCALE,
        SINGLE_SCALE,
        DENSE,
        LIMIT,
        MEMORY_DEPTH,
        MEMORY_SIZE,
        MEMORY_LIMIT,
        THREADS,
        CONVOLUTIONS,
        PRECISION,
        IMPORTS,
    )
}
