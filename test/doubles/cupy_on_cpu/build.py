"""The host compiler, with a cache of what it has built."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

HOST_CODE = Path(__file__).with_name("host")

CC = os.environ.get("CC", "gcc")
CXX = os.environ.get("CXX", "g++")

# No contraction to fused multiply-adds, so that results do not depend on the CPU. The
# fortified longjmp takes a switch of stacks for an error.
KERNEL_FLAGS = os.environ.get(
    "CUPY_ON_CPU_CXXFLAGS",
    "-O1 -w -U_FORTIFY_SOURCE -fpermissive -fno-strict-aliasing -ffp-contract=off",
).split()

CACHE = Path(
    os.environ.get("CUPY_ON_CPU_CACHE")
    or Path(tempfile.gettempdir(), f"cupy_on_cpu_{os.getuid()}")
)
CACHE.mkdir(parents=True, exist_ok=True)


def fingerprint(*parts: object) -> str:
    """Return a short text that differs when one of ``parts`` differs."""
    text = "\0".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def host_code_fingerprint() -> str:
    """Fingerprint of all C and C++ files of this package."""
    files = sorted(HOST_CODE.iterdir())
    return fingerprint(*[file.read_text(encoding="utf-8") for file in files])


def run(command: list[object]) -> str:
    """Run a command and return what it prints.

    Raises
    ------
    RuntimeError
        If it fails; the message holds its complaints.
    """
    words = [str(word) for word in command]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(" ".join(words) + "\n" + result.stderr)
    return result.stdout


def build(target: Path, command: list[object]) -> Path:
    """Make ``target`` by ``command`` (to which ``-o`` is added) unless it exists.

    The compiler writes to another name first: processes that share the cache never
    see half a file.
    """
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        run([*command, "-o", unfinished])
        unfinished.replace(target)
    return target


def write(target: Path, text: str) -> Path:
    """Write a text file; as safe for other processes as :func:`build`."""
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(target)
    return target
