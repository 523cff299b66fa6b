"""The package, with an activation whose derivative has no jump."""

from __future__ import annotations

from ..subject import Subject
from ..task import Configuration
from . import ours

SMOOTH = dict(block_activation="tanh")


def multiscale(c: Configuration) -> Subject:
    """Glow of several scales."""
    return ours.multiscale(c, **SMOOTH)


def single_scale(c: Configuration) -> Subject:
    """Glow on squeezed images."""
    return ours.single_scale(c, **SMOOTH)


def dense(c: Configuration) -> Subject:
    """Glow on vectors."""
    return ours.dense(c, **SMOOTH)


def precision(c: Configuration) -> Subject:
    """Gradients in float32 of a trained Glow beside those in float64."""
    return ours.precision(c, **SMOOTH)
