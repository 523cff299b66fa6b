"""The package, with hidden states kept: three units of work instead of four."""

from __future__ import annotations

from invertiblenetworks import KeptStates

from ..subject import Subject
from ..task import Configuration
from . import ours


def multiscale(c: Configuration) -> Subject:
    """Glow of several scales."""
    return ours.multiscale(c, KeptStates())


def single_scale(c: Configuration) -> Subject:
    """Glow on squeezed images."""
    return ours.single_scale(c, KeptStates())


def dense(c: Configuration) -> Subject:
    """Glow on vectors."""
    return ours.dense(c, KeptStates())
