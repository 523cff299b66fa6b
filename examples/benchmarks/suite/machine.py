"""Description of the machine and of what is installed on it."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path

from threadpoolctl import threadpool_info

PACKAGES = ("torch", "normflows", "FrEIA", "nflows", "memcnn", "numpy")
VERSIONS = (
    "import importlib.metadata as m, json; "
    f"print(json.dumps({{name: m.version(name) for name in {PACKAGES}}}))"
)


def n_processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe(peers: Path | None, threads: int) -> dict:
    """Describe machine and software.

    Parameters
    ----------
    peers : Path or None
        Interpreter of the other libraries.
    threads : int
        Number of threads of the measurements.
    """
    blas = [
        f"{library['internal_api']} {library['version']} ({library['architecture']})"
        for library in threadpool_info()
        if library["user_api"] == "blas" and "architecture" in library
    ]
    return {
        "date": datetime.date.today().isoformat(),
        "processor": _processor(),
        "processors": n_processors(),
        "threads": threads,
        "memory_gib": _memory_gib(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": importlib.metadata.version("numpy"),
        "blas": sorted(set(blas)),
        "invertiblenetworks": importlib.metadata.version("invertiblenetworks"),
        "peers": _versions(peers) if peers else {},
    }


def as_text(description: dict) -> str:
    """Return the description as lines of Markdown."""
    lines = []
    for name, value in description.items():
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v}" for k, v in value.items()) or "not installed"
        elif isinstance(value, list):
            value = ", ".join(value)
        lines.append(f"- {name}: {value}")
    return "\n".join(lines)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


def _memory_gib() -> float | None:
    try:
        n_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):
        return None
    return round(n_bytes / 2**30, 1)


def _versions(python: Path) -> dict[str, str]:
    command = [python, "-c", VERSIONS]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(finished.stdout)
