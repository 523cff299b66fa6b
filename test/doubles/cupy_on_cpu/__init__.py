"""Run the installed CuPy on the CPU: import this package before CuPy.

The CUDA runtime, the CUDA libraries and the kernel compiler are replaced by functions
of the host; all of CuPy's own code, Python and compiled, stays what it is. Nothing
happens unless this package is imported. See the README in the parent folder.
"""

from __future__ import annotations

import os
import sys

if "cupy" in sys.modules:
    raise ImportError("import cupy_on_cpu before cupy")

# CuPy's other reductions (CUB) are device code compiled into the wheel.
os.environ["CUPY_ACCELERATORS"] = ""

from . import libraries, runtime

runtime.install()
libraries.install()

# These import CuPy, which finds everything replaced now.
from . import device_code, kernels  # noqa: E402

kernels.install()
device_code.install()

from .kernels import (  # noqa: E402
    KernelSource,
    compile_log,
    compile_with_nvrtc,
    nvrtc_log,
    sources,
)
from .runtime import (  # noqa: E402
    capturing,
    corrupt,
    device_bytes,
    launch_names,
    reset,
    stats,
)

__all__ = [
    "KernelSource",
    "capturing",
    "compile_log",
    "compile_with_nvrtc",
    "corrupt",
    "device_bytes",
    "launch_names",
    "nvrtc_log",
    "reset",
    "sources",
    "stats",
]
