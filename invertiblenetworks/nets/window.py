"""Convolutions whose adjoint must return to the size they came from."""

from __future__ import annotations

from .._types import Shape
from ..base import Net


def expect_window_fits(net: Net, spatial: Shape, kernel: Shape, stride: int, pad: int):
    """Raise unless the windows of a convolution cover each axis without a rest.

    Otherwise the transposed convolution would leave pixels at the end untouched.
    """
    for size, k in zip(spatial, kernel, strict=True):
        rest = size + 2 * pad - k
        wanted = f"sizes n with n + {2 * pad} - {k} a multiple of {stride}"
        net._expect(rest >= 0 and rest % stride == 0, wanted, f"{spatial}")
