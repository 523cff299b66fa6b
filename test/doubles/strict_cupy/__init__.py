"""A stand-in for CuPy on NumPy that is stricter than CuPy itself.

``strict_cupy.cupy`` is an ordinary module object; :func:`install` makes it the one
that ``import cupy`` finds.
"""

from __future__ import annotations

import sys
from types import ModuleType

from .linear_operator import LinearOperator
from .memory import counters, pool
from .namespace import cupy

__all__ = ["LinearOperator", "counters", "cupy", "install", "pool"]


def install() -> ModuleType:
    """Make the double the module that ``import cupy`` finds, and return it.

    Raises
    ------
    ImportError
        If the real CuPy was imported before: the two must not be mixed.
    """
    if sys.modules.get("cupy", cupy) is not cupy:
        raise ImportError("strict_cupy must be installed before cupy is imported")
    sys.modules.update(
        {
            "cupy": cupy,
            "cupy.cuda": cupy.cuda,
            "cupy.cuda.memory": cupy.cuda.memory,
            "cupy.lib": cupy.lib,
            "cupy.lib.stride_tricks": cupy.lib.stride_tricks,
            "cupy.linalg": cupy.linalg,
            **_cupyx_modules(),
        }
    )
    return cupy


def _cupyx_modules():
    cupyx = ModuleType("cupyx")
    cupyx.scipy = ModuleType("cupyx.scipy")
    cupyx.scipy.sparse = ModuleType("cupyx.scipy.sparse")
    cupyx.scipy.sparse.linalg = ModuleType("cupyx.scipy.sparse.linalg")
    cupyx.scipy.sparse.linalg.LinearOperator = LinearOperator
    return {
        "cupyx": cupyx,
        "cupyx.scipy": cupyx.scipy,
        "cupyx.scipy.sparse": cupyx.scipy.sparse,
        "cupyx.scipy.sparse.linalg": cupyx.scipy.sparse.linalg,
    }
