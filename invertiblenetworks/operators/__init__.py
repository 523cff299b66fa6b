"""Layers and networks as linear operators for SciPy, CuPy and PyLops."""

from .jacobian import Jacobian

__all__ = ["Jacobian"]
