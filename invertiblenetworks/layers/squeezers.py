"""Squeezes: trade resolution for channels, without loss."""

from __future__ import annotations

from ..base import LinearIsometry
from ..errors import expect_in
from ..kernels.squeeze import squeeze, squeezed_shape, unsqueeze, unsqueezed_shape
from ..kernels.wavelet import (
    haar_squeeze,
    haar_unsqueeze,
    wavelet_squeeze,
    wavelet_unsqueeze,
)
from ..kernels.wavelet_filters import scaling_filter


class _Squeezer(LinearIsometry):
    """Halves every spatial size and multiplies the channels by 2^d."""

    def _check_shape(self, shape, cond_shape, inverse):
        self._expect(
            len(shape) > 2,
            "at least one spatial axis",
            f"an array of shape {shape}",
        )
        factor = 2 ** (len(shape) - 2)
        if inverse:
            wanted = f"a number of channels divisible by {factor}"
            self._expect(shape[1] % factor == 0, wanted, f"an array of shape {shape}")
            return unsqueezed_shape(shape)
        even = all(size % 2 == 0 for size in shape[2:])
        wanted = "spatial sizes divisible by 2"
        self._expect(even, wanted, f"an array of shape {shape}")
        return squeezed_shape(shape)


class ShuffleLayer(_Squeezer):
    """Squeeze by moving pixels into channels.

    Parameters
    ----------
    pattern : {"checkerboard", "patch", "column"}, default "checkerboard"
        Which pixels form one channel: every second one along each axis, a quadrant,
        or a run of consecutive ones in memory.

    Notes
    -----
    Orthogonal, log-determinant 0; (N, C, *S) to (N, 2^d C, *S/2). Channel order: see
    ``kernels.squeeze.squeeze``.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import ShuffleLayer
    >>> ShuffleLayer().forward(np.zeros((1, 3, 8, 8))).shape
    (1, 12, 4, 4)
    """

    def __init__(self, pattern: str = "checkerboard"):
        expect_in("ShuffleLayer", ("checkerboard", "patch", "column"), pattern=pattern)
        self.pattern = pattern

    def _apply(self, x):
        return squeeze(x, self.pattern)

    def _undo(self, y):
        return unsqueeze(y, self.pattern)


class WaveletLayer(_Squeezer):
    """Squeeze by one level of an orthonormal, periodic wavelet transform.

    Parameters
    ----------
    wavelet : str, default "db1"
        Name of an orthogonal wavelet of PyWavelets ("db2", "sym4", "coif1", ...).

    Raises
    ------
    ValueError
        If the wavelet is unknown or not orthogonal.

    Notes
    -----
    Output channel ``2^d c + q``: the bands of one channel stay together.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import WaveletLayer
    >>> WaveletLayer("db2").forward(np.zeros((1, 1, 8, 8))).shape
    (1, 4, 4, 4)
    """

    def __init__(self, wavelet: str = "db1"):
        scaling_filter(wavelet, "WaveletLayer")
        self.wavelet = wavelet

    def _apply(self, x):
        return wavelet_squeeze(x, self.wavelet)

    def _undo(self, y):
        return wavelet_unsqueeze(y, self.wavelet)


class HaarLayer(_Squeezer):
    """Squeeze by one level of the Haar transform, bands in blocks of channels.

    Notes
    -----
    Differs from ``WaveletLayer("db1")`` in the order of channels and in the sign of
    the details, as in the original. Output channel ``r C + c`` for band r.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import HaarLayer
    >>> HaarLayer().forward(np.ones((1, 1, 2, 2))).ravel()
    array([2., 0., 0., 0.])
    """

    def _apply(self, x):
        return haar_squeeze(x)

    def _undo(self, y):
        return haar_unsqueeze(y)
