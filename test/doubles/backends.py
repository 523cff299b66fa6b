"""The array libraries that the test-suite can run on."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np

NAMES = ("numpy", "strict", "emulated", "cupy")


class NoDeviceError(RuntimeError):
    """The backend needs a GPU, and there is none."""


@dataclass(frozen=True)
class DeviceCounters:
    """Counts what a computation cost on the device.

    Parameters
    ----------
    reset : callable
        Sets the counts to zero.
    read : callable
        Returns ``(synchronisations, copies to the host, copies to the device)``.
    """

    reset: Callable[[], None]
    read: Callable[[], tuple[int, int, int]]


@dataclass(frozen=True)
class Backend:
    """One array library with its counters."""

    name: str
    xp: ModuleType
    counters: DeviceCounters

    @property
    def counts(self) -> bool:
        """Whether the counters count: not on NumPy, nor on a real GPU."""
        return self.counters is not NOTHING_COUNTED

    def to_xp(self, array):
        """Return a NumPy array (or number, or list) as an array of the backend."""
        return self.xp.asarray(array)

    def to_numpy(self, array):
        """Return an array of the backend as a NumPy array."""
        return np.asarray(array) if self.xp is np else self.xp.asnumpy(array)


# NumPy has no device, and a real GPU cannot be asked: both read as "nothing happened".
NOTHING_COUNTED = DeviceCounters(reset=lambda: None, read=lambda: (0, 0, 0))


def load(name: str) -> Backend:
    """Install the backend ``name``; must come before anything imports CuPy.

    Raises
    ------
    NoDeviceError
        For ``"cupy"`` on a machine without a GPU.
    """
    if name == "numpy":
        return Backend(name, np, NOTHING_COUNTED)
    if name == "strict":
        return _load_strict()
    if name == "emulated":
        return _load_emulated()
    if name == "cupy":
        return _load_cupy()
    raise ValueError(f"unknown backend {name!r}; choose one of {NAMES}")


def _load_strict() -> Backend:
    from doubles import strict_cupy

    counters = strict_cupy.counters
    return Backend(
        "strict",
        strict_cupy.install(),
        DeviceCounters(
            reset=counters.reset,
            read=lambda: (counters.sync, counters.d2h, counters.h2d),
        ),
    )


def _load_emulated() -> Backend:
    from doubles import cupy_on_cpu

    stats = cupy_on_cpu.stats
    return Backend(
        "emulated",
        importlib.import_module("cupy"),
        DeviceCounters(
            reset=cupy_on_cpu.reset,
            read=lambda: (stats.sync, stats.d2h, stats.h2d),
        ),
    )


def _load_cupy() -> Backend:
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise NoDeviceError(f"CuPy could not be imported: {error}") from error
    if not cupy.is_available():
        raise NoDeviceError("CuPy is installed but finds no GPU")
    return Backend("cupy", cupy, NOTHING_COUNTED)
