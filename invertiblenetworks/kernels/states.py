"""Parts of states: along the channels, and end to end in one vector."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .._types import Array, Shape
from ..backend import expect_array, get_array_module
from ..errors import expect
from .channels import half_channels, join_channels, n_channels, split_channels


def tensor_split(x: Array, split_index: int | None = None) -> tuple[Array, Array]:
    """Cut ``x`` along the channels; return views of both parts.

    Parameters
    ----------
    x : array, shape (N, C, *spatial)
    split_index : int, optional
        Number of channels of the first part; by default half of them, rounded to the
        even neighbour.

    Examples
    --------
    >>> import numpy as np
    >>> [part.shape for part in tensor_split(np.zeros((2, 5, 4)))]
    [(2, 2, 4), (2, 3, 4)]
    """
    expect_array("tensor_split", x)
    k = half_channels(n_channels(x)) if split_index is None else split_index
    wanted = f"split_index from 0 to {n_channels(x)}"
    expect(0 <= k <= n_channels(x), "tensor_split", wanted, f"{k}")
    return split_channels(x, k)


def tensor_cat(x: Array, y: Array) -> Array:
    """Join two arrays along the channels; undoes ``tensor_split``."""
    return join_channels(x, y)


def cat_states(
    saved: Sequence[Array | tuple[Array, Array]], x: Array | tuple[Array, Array]
) -> Array | tuple[Array, Array]:
    """Lay states end to end in one vector, each in memory order.

    Parameters
    ----------
    saved : sequence of array, or of pairs of arrays
        The states that were split off, finest first; of two lanes, pairs.
    x : array, or pair of arrays
        The last one.

    Returns
    -------
    array, shape (total size,), or one such of each lane
    """
    if isinstance(x, tuple):
        lanes = range(len(x))
        return tuple(cat_states([pair[i] for pair in saved], x[i]) for i in lanes)
    parts = [*saved, x]
    return get_array_module(*parts).concatenate([p.reshape(-1) for p in parts])


def split_states(
    vector: Array | tuple[Array, Array], shapes: Sequence[Shape], *, L_net: int = 2
) -> tuple[list[Array], Array] | tuple[list[tuple[Array, Array]], tuple[Array, Array]]:
    """Undo ``cat_states``, from the shapes of the states that were split off.

    Parameters
    ----------
    vector : array, shape (total size,), or one of each lane
    shapes : sequence of tuple of int
        Shapes of the saved states, finest first.
    L_net : int, default 2
        Number of scales of the network. With one scale the last state has the shape
        of the only saved one; else it is that of the next scale: spatial sizes
        halved, channels times 2^d.

    Returns
    -------
    saved : list of array
    x : array

    Raises
    ------
    ValueError
        If the vector has another size than the states together.

    Examples
    --------
    >>> import numpy as np
    >>> saved, x = split_states(np.arange(16.0), [(1, 2, 2, 2)])
    >>> saved[0].shape, x.shape
    ((1, 2, 2, 2), (1, 8, 1, 1))
    """
    if isinstance(vector, tuple):
        lanes = [split_states(v, shapes, L_net=L_net) for v in vector]
        saved = list(zip(*(states for states, _ in lanes), strict=True))
        return saved, tuple(x for _, x in lanes)
    expect(len(shapes) > 0, "split_states", "at least one shape", "none")
    last = tuple(shapes[-1])
    if L_net > 1:
        n, c, *spatial = last
        last = (n, c * 2 ** len(spatial), *(size // 2 for size in spatial))
    parts = cut_vector(vector, [*map(tuple, shapes), last], "split_states")
    return parts[:-1], parts[-1]


def cut_vector(vector: Array, shapes: Sequence[Shape], where: str) -> list[Array]:
    """Cut a vector into arrays of the given shapes, as views where possible."""
    needed = sum(math.prod(shape) for shape in shapes)
    expect(vector.shape == (needed,), where, f"a vector of {needed}", vector)
    arrays, start = [], 0
    for shape in shapes:
        stop = start + math.prod(shape)
        arrays.append(vector[start:stop].reshape(shape))
        start = stop
    return arrays
