"""Imports are timed in interpreters of their own."""

from __future__ import annotations

import subprocess
import sys

FRAMEWORKS = ("torch", "tensorflow", "jax", "mxnet", "paddle")


def import_seconds(name: str) -> float:
    """Start an interpreter that imports NumPy and ``name``; the caller has the clock.

    Raises
    ------
    RuntimeError
        If a framework was imported that was not asked for.
    """
    loaded = f"[m for m in {FRAMEWORKS} if m in sys.modules and m != {name!r}]"
    code = f"import sys, numpy, {name}; sys.exit(', '.join({loaded}) or None)"
    command = [sys.executable, "-c", code]
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode:
        raise RuntimeError(f"import {name}: {finished.stderr.strip()[-200:]}")
    return 0.0
