"""What a call really allocates, in the terms of a plan."""

from __future__ import annotations

import gc
import tracemalloc

from invertiblenetworks.kernels.workspace import release_workspaces


def traced_peak(function, before=None) -> int:
    """Bytes that a function allocated at most, its result included.

    It is called once before, so that nothing counts that is set up for all calls to
    come; but the memory that kernels keep to use it again counts as new. What is to
    be freed while it is measured must be made by ``before``.
    """
    function()
    tracemalloc.start()
    try:
        if before is not None:
            before()
        release_workspaces()
        gc.collect()
        tracemalloc.reset_peak()
        at_first, _ = tracemalloc.get_traced_memory()
        result = function()
        _, peak = tracemalloc.get_traced_memory()
        del result
    finally:
        tracemalloc.stop()
    return peak - at_first
