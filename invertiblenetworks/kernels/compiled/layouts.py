"""Where the numbers of an array are, for copies in another order."""

from __future__ import annotations

import ctypes
import functools

from ..._types import Shape

MOST_AXES = 8
"""Those of squeezed volumes: samples, channels, and two for each of three."""


class Layout(ctypes.Structure):
    """The same as in `kernels.c`."""

    _fields_ = (
        ("sizes", ctypes.c_int64 * MOST_AXES),
        ("strides", ctypes.c_int64 * MOST_AXES),
        ("n_parts", ctypes.c_int64),
    )


@functools.lru_cache(maxsize=1024)
def layout_of(
    shape: Shape, strides: Shape, itemsize: int, n_parts: int
) -> Layout | None:
    """Return the layout, with as few axes as say the same.

    None if there are too many, or strides are no whole numbers of entries.
    """
    axes: list[tuple[int, int]] = []
    for size, stride in zip(shape, strides, strict=True):
        if size == 1:
            continue
        if axes and axes[-1][1] == size * stride:
            axes[-1] = (axes[-1][0] * size, stride)
        else:
            axes.append((size, stride))
    if len(axes) > MOST_AXES or any(stride % itemsize for _, stride in axes):
        return None
    axes = [(1, 0)] * (MOST_AXES - len(axes)) + axes
    layout = Layout(n_parts=n_parts)
    layout.sizes[:] = [size for size, _ in axes]
    layout.strides[:] = [stride // itemsize for _, stride in axes]
    return layout
