"""What is measured: a configuration, and the library that carries it out."""

from __future__ import annotations

import dataclasses
import math

OURS = "invertiblenetworks"
FLOAT_BYTES = 4


@dataclasses.dataclass(frozen=True)
class Configuration:
    """The same work for every library.

    Attributes
    ----------
    model : str
        Name of the function in `suite.libraries` that builds it.
    batch, channels : int
        Number of samples, and of their channels (of their features, for vectors).
    size, ndims : int
        Pixels along each of the spatial axes, and how many axes there are.
    hidden, steps, scales : int
        Width of the conditioners, and number of couplings per scale, and of scales.
    limit_percent : int
        Memory limit, in hundredths of what a step takes without one.
    """

    model: str
    batch: int = 1
    channels: int = 1
    size: int = 1
    ndims: int = 2
    hidden: int = 1
    steps: int = 1
    scales: int = 1
    limit_percent: int = 100

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the data."""
        return (self.batch, self.channels, *(self.size,) * self.ndims)

    @property
    def input_bytes(self) -> int:
        """Bytes of the data."""
        return FLOAT_BYTES * math.prod(self.shape)

    @property
    def label(self) -> str:
        """Words for tables and figures."""
        pixels = {0: "", 1: f"{self.size}", 2: f"{self.size}²", 3: f"{self.size}³"}
        if self.model in ("multiscale", "single_scale", "limited"):
            depth = f"K={self.steps}, hidden {self.hidden}"
            if self.limit_percent != 100:
                depth += f", {self.limit_percent} % of its memory"
            return f"{pixels[self.ndims]}, {depth}, batch {self.batch}"
        if self.model == "dense":
            width = f"{self.channels} features, hidden {self.hidden}"
            return f"{width}, batch {self.batch}"
        if self.channels == 1:
            return self.model
        square = f"{self.channels}→{self.channels}"
        return f"{self.model}, {square}, {pixels[self.ndims]}"

    def reduced(self) -> Configuration:
        """The same work in little, to load and start everything that it needs."""
        return dataclasses.replace(
            self,
            batch=min(self.batch, 2),
            size=min(self.size, 16),
            hidden=min(self.hidden, 8),
            steps=1,
            limit_percent=100,
        )


@dataclasses.dataclass(frozen=True)
class Task:
    """One measurement: a library, what it has to do, and its number of threads.

    ``timed=False`` measures the memory only.
    """

    library: str
    configuration: Configuration
    threads: int
    timed: bool = True

    @classmethod
    def from_dict(cls, values: dict) -> Task:
        """Undo ``dataclasses.asdict``."""
        configuration = Configuration(**values["configuration"])
        return cls(**{**values, "configuration": configuration})


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the user chose for the whole run."""

    quick: bool
    threads: int


Group = list[Task]
"""Tasks that are compared: their processes are started in turn."""


def compare(
    libraries: list[str],
    configuration: Configuration,
    settings: Settings,
    **options: object,
) -> Group:
    """Return one task per library."""
    options = {"threads": settings.threads, **options}
    return [Task(library, configuration, **options) for library in libraries]
