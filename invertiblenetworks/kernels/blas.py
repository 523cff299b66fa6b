"""What is known of the BLAS that NumPy multiplies matrices with."""

from __future__ import annotations

import functools
import sys

from threadpoolctl import ThreadpoolController

_WITH_SMALL_KERNELS = {"SkylakeX", "Cooperlake", "Sapphirerapids"}
"""Processors for which OpenBLAS has kernels for small matrices: those with AVX-512."""


def libraries() -> list:
    """Controllers of the BLAS libraries that are loaded now."""
    # SciPy brings a BLAS of its own, once its linear algebra is loaded.
    return _libraries_now("scipy.linalg" in sys.modules)


@functools.cache
def _libraries_now(with_scipy: bool) -> list:
    return ThreadpoolController().select(user_api="blas").lib_controllers


@functools.cache
def has_small_kernels() -> bool:
    """Whether the BLAS multiplies small matrices without copying them first.

    Where several are loaded any of them counts, so that a library that is loaded later
    changes nothing.
    """
    names = {getattr(library, "architecture", None) for library in libraries()}
    return not names.isdisjoint(_WITH_SMALL_KERNELS)
