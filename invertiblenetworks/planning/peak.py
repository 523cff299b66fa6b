"""The peak of memory of one call of a public method, on phantom arrays."""

from __future__ import annotations

from collections.abc import Sequence

from ..base import Bijection, Layer, Net
from ..base.kept import paused
from ..errors import describe, message
from ..kernels.memory import planned_by
from .phantom_module import PhantomModule


def expect_plannable(where: str, layer: object) -> None:
    """Raise unless the memory of the methods of a layer can be known."""
    if not isinstance(layer, Bijection | Net):
        wanted = "a layer, network or net"
        raise TypeError(message(where, wanted, describe(layer)))
    if layer.cond_kind == "context":
        wanted = "a layer whose condition, if any, is one array, to plan its memory"
        got = f"{type(layer).__name__}, which takes a context"
        hint = "What its operator allocates is not known; plan the layers inside."
        raise TypeError(message(where, wanted, got, hint))


def peak_of_call(
    xp: PhantomModule,
    phantom: Layer,
    method: str,
    arguments: Sequence,
    options: dict | None = None,
) -> int:
    """Run a method; return the bytes that it allocated at most.

    Parameters
    ----------
    xp : PhantomModule
        Counts the arrays.
    phantom : Layer
        With parameters of this module.
    method : str
    arguments : sequence
        As for the base class, where a pair is one argument: arrays of this module.
    options : dict, optional
        Keyword arguments.
    """
    function = getattr(Net if isinstance(phantom, Net) else Bijection, method)
    with planned_by(xp), paused():
        xp.memory.start()
        function(phantom, *arguments, **(options or {}))
    return xp.memory.extra_peak
