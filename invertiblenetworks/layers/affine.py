"""Affine map with a scale and a shift for every pixel."""

from __future__ import annotations

from ..errors import expect, expect_positive
from ..init import constant, float_type
from .scale_shift import ScaleShift


class AffineLayer(ScaleShift):
    """Affine map per pixel and channel: ``y = s * x + b``.

    Parameters
    ----------
    *sizes : int
        Spatial sizes, last array axis first, then the number of channels: ``nx, nc``,
        ``nx, ny, nc`` or ``nx, ny, nz, nc`` for arrays (N, nc, [nz,] [ny,] nx).
    logdet : bool, default False
        As for every layer.
    dtype : {"float32", "float64"}, default "float32"
        Type of the parameters.

    Attributes
    ----------
    s, b : Parameter, shape (nc, [nz,] [ny,] nx)
        Scale, ones at first, and shift, zeros at first.

    Notes
    -----
    Log-determinant ``sum(log|s|)``. Differs from the original: the scale starts at
    one; there it is drawn with random signs around zero, next to singular.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import AffineLayer
    >>> layer = AffineLayer(5, 4, 3, logdet=True)
    >>> y, logdet = layer.forward(np.ones((2, 3, 4, 5), "float32"))
    >>> float(logdet)
    0.0
    """

    def __init__(self, *sizes: int, logdet: bool = False, dtype: object = "float32"):
        expect(
            2 <= len(sizes) <= 4,
            "AffineLayer",
            "one to three spatial sizes and the number of channels",
            f"{sizes}",
        )
        for size in sizes:
            expect_positive("AffineLayer", size=size)
        dtype = float_type(dtype, "AffineLayer")
        shape = tuple(reversed(sizes))
        self.logdet = logdet
        self.s = constant(shape, 1.0, dtype)
        self.b = constant(shape, 0.0, dtype)

    def _spread(self, v, x):
        return v[None]

    def _collect(self, x):
        return x.sum(axis=0)

    def _repeats(self, x):
        return 1

    def _check_shape(self, shape, cond_shape, inverse):
        wanted = self.s.shape
        found = f"an array of shape {shape}"
        self._expect(shape[1:] == wanted, f"samples of shape {wanted}", found)
        return shape
