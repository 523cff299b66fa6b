"""Every script in examples/ runs, in reduced size, and writes only where it may."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = [
    path.relative_to(EXAMPLES)
    for path in sorted(EXAMPLES.rglob("*.py"))
    if "utils" not in path.relative_to(EXAMPLES).parts
]
