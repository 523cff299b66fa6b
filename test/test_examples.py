"""Every script in examples/ runs to its end, in reduced size."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from invertiblenetworks import gpu_available

EXAMPLES = Path(__file__).parents[1] / "examples"
# A folder with an __init__.py is a package that a script uses.
SCRIPTS = sorted(
    path
    for path in EXAMPLES.rglob("*.py")
    if not (path.parent / "__init__.py").exists()
)


NEEDS_GPU = EXAMPLES / "benchmarks" / "gpu.py"


def can_compare_on_a_gpu():
    """Whether there is what ``benchmarks/gpu.py`` needs."""
    return gpu_available() and importlib.util.find_spec("torch") is not None


@pytest.mark.parametrize(
    "script", SCRIPTS, ids=lambda path: path.relative_to(EXAMPLES).as_posix()
)
def test_example_runs(script, tmp_path):
    # Pictures and files go to the current folder, which is a temporary one here.
    settings = {"EXAMPLES_QUICK": "1", "MPLBACKEND": "Agg", "PYTHONWARNINGS": "error"}
    finished = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if script == NEEDS_GPU and not can_compare_on_a_gpu():
        assert finished.returncode == 1
        assert finished.stderr.startswith("gpu.py: expected ")
        return
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip(), "an example says what it did"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_example_is_listed_in_the_documentation(script):
    page = (EXAMPLES.parent / "docs" / "examples.rst").read_text(encoding="utf-8")
    assert f"``{script.relative_to(EXAMPLES).as_posix()}``" in page


def test_there_are_examples():
    assert EXAMPLES / "layers" / "own_layer.py" in SCRIPTS
