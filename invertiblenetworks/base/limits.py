"""Where public methods meet the memory limit of the user.

How much a call would take is known to ``planning``, which is above this package: it
runs the methods that are written here. It leaves its function here when it is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..kernels.memory import Settings, as_bytes, current_limit, using
from ..kernels.workspace import release_own_workspaces
from .kept import paused
from .layer import Layer

Chooser = Callable[..., Settings]
"""Takes a limit, a layer, the name of a method, and its arguments."""

_choosers: list[Chooser] = []


def choose_settings_with(chooser: Chooser) -> Chooser:
    """Let a function say how a call stays within a limit."""
    _choosers[:] = [chooser]
    return chooser


@contextmanager
def within_limit(
    limit: float | str | None, layer: Layer, method: str, *arguments, **options
) -> Iterator[None]:
    """Let the work of a public method stay within a limit, if there is one.

    Parameters
    ----------
    limit : int, str or None
        That of this call; by default that of `kernels.memory.memory_limit`.
    layer : Layer
    method : str
        The public method whose arguments were found right.
    *arguments, **options
        What it was called with; pairs as tuples.

    Raises
    ------
    MemoryError
        If nothing keeps the limit.
    TypeError
        If it cannot be known what the call takes.
    """
    n_bytes = current_limit() if limit is None else as_bytes(limit)
    if n_bytes is None:
        yield
        return
    settings = _choosers[0](n_bytes, layer, method, *arguments, **options)
    # Memory that is kept from other calls would come on top of what is planned, as
    # would the states that the caller may want to keep.
    release_own_workspaces()
    with using(settings), paused():
        yield
