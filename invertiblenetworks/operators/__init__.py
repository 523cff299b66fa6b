"""Layers and networks as linear operators for SciPy, CuPy and PyLops."""

from .gauss_newton import gauss_newton_step
from .jacobian import Jacobian

__all__ = ["Jacobian", "gauss_newton_step"]
