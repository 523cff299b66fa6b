"""The virtual environment of the other libraries."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "peers.txt"
INSTALLED = "installed.txt"
"""Copy of the requirements, written when all of them are there."""


def default_folder() -> Path:
    """Return the folder of the environment in the cache of the user."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "invertiblenetworks-benchmarks"


def interpreter(path: Path) -> Path:
    """Return the interpreter of an environment, or ``path`` if it is one."""
    if path.is_file():
        return path
    folder = path / ("Scripts" if os.name == "nt" else "bin")
    return folder / ("python.exe" if os.name == "nt" else "python")


def is_complete(folder: Path) -> bool:
    """Whether the environment has what ``peers.txt`` asks for now."""
    note = folder / INSTALLED
    return note.is_file() and note.read_bytes() == REQUIREMENTS.read_bytes()


def install(folder: Path) -> None:
    """Make the environment; takes some minutes and about two gigabytes.

    Raises
    ------
    subprocess.CalledProcessError
        If ``pip`` fails.
    """
    venv.create(folder, with_pip=True, clear=True)
    command = [interpreter(folder), "-m", "pip", "install", "-r", REQUIREMENTS]
    subprocess.run(command, check=True)
    (folder / INSTALLED).write_bytes(REQUIREMENTS.read_bytes())
