"""Peak memory of a gradient, against the depth of the network."""

from __future__ import annotations

import dataclasses
import gc
import tracemalloc

import numpy as np

from .._types import Array
from ..base import Bijection
from ..kernels.workspace import release_workspaces
from .training import Settings, build_network


@dataclasses.dataclass(frozen=True)
class Memory:
    """Bytes that ``forward`` and ``backward`` allocated.

    Attributes
    ----------
    peak : int
        Largest sum of all objects alive that were not there before.
    gradients : int
        What was left in the end: the gradients of the parameters.
    """

    peak: int
    gradients: int

    @property
    def working(self) -> int:
        """The peak without gradients: states, activations and buffers."""
        return self.peak - self.gradients


def measure_memory(network: Bijection, x: Array) -> Memory:
    """Trace the allocations of one ``forward`` and ``backward``.

    Parameters
    ----------
    network : Bijection
        With ``logdet=True``; its parameters exist before, so they are not counted.
    x : array, shape (N, C, *spatial)
        The input, not counted either.

    Notes
    -----
    ``tracemalloc`` sees every NumPy array, but not the work space of the BLAS library,
    which does not depend on the network.
    """
    # A first time, so that nothing is counted that is set up once.
    z, _ = network.forward(x)
    network.backward(z / len(x), z)
    del z
    network.clear_grad()
    release_workspaces()  # A call counts with all that it needs.
    gc.collect()  # Also frees what the interpreter keeps for its next tuples and lists.
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        z, _ = network.forward(x)
        network.backward(z / len(x), z)
        del z
        peak = tracemalloc.get_traced_memory()[1]
        release_workspaces()
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    return Memory(peak - before, after - before)


def compare_depths(settings: Settings, x: Array) -> dict[int, Memory]:
    """Measure the memory of networks of the given depth and of four times it."""
    depths = (settings.depth, 4 * settings.depth)
    variants = [dataclasses.replace(settings, depth=depth) for depth in depths]
    return {
        s.depth: measure_memory(build_network(s, np.random.default_rng(0)), x)
        for s in variants
    }
