"""The resident memory of this process, as Linux counts it.

Counting pages sees every allocator alike: arrays, caches, workspaces and the buffers
of libraries, whether or not Python knows of them.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")
RESET_PEAK = "5"


def resident() -> int | None:
    """Bytes resident now; ``None`` where the system does not tell."""
    return _status("VmRSS")


def peak() -> int | None:
    """Most bytes resident since ``reset_peak``."""
    return _status("VmHWM")


def reset_peak() -> bool:
    """Let ``peak`` start anew from what is resident now; False if impossible."""
    try:
        CLEAR_REFS.write_text(RESET_PEAK)
    except OSError:
        return False
    return True


def return_free_memory() -> None:
    """Give free memory back to the system, so that its use will count again."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        pass  # Only the C library of GNU can be asked.


def kill_me_first() -> None:
    """If the machine runs out of memory, end this process rather than another one."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        pass


def _status(field: str) -> int | None:
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    values = dict(line.split(":", 1) for line in lines)
    return 1024 * int(values[field].split()[0]) if field in values else None
