"""Coefficients of orthogonal wavelet filters, orthonormal to rounding.

The tables of PyWavelets are; some symlets are so only to about ten digits. The inverse
of a layer must be better than that, so a few Newton steps polish every filter.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pywt

from ..errors import expect, expect_in

# Above this, a table is not the rounded form of an orthonormal filter: the discrete
# Meyer filter "dmey" is cut off, and misses by 2e-3.
ROUNDED_TABLE = 1e-9


@cache
def scaling_filter(wavelet: str, where: str = "wavelet") -> tuple[float, ...]:
    """Return the low-pass reconstruction filter of an orthogonal wavelet.

    Parameters
    ----------
    wavelet : str
        Name in PyWavelets: haar, db1 to db38, sym2 to sym20, coif1 to coif17.
    where : str
        What to name in an error message.

    Returns
    -------
    tuple of float
        ``h`` of even length with ``sum_i h[i] h[i + 2k] = 1`` if ``k = 0``, else 0.

    Raises
    ------
    ValueError
        If there is no such wavelet, or it is not orthogonal.

    Notes
    -----
    Newton's method with the shortest step on the conditions above. The change is
    below 1e-11, and at most 1e-15 for the Daubechies and coiflet filters.
    """
    expect_in(where, tuple(pywt.wavelist(kind="discrete")), wavelet=wavelet)
    table = pywt.Wavelet(wavelet)
    h = np.asarray(table.rec_lo)
    orthogonal = table.orthogonal and abs(_defect(h)).max() < ROUNDED_TABLE
    hint = "Choose one of the families haar, db, sym and coif."
    expect(orthogonal, where, "an orthogonal wavelet", repr(wavelet), hint)
    for _ in range(3):
        step, *_ = np.linalg.lstsq(_defect_jacobian(h), _defect(h), rcond=None)
        h = h - step
    return tuple(h.tolist())


def _defect(h: np.ndarray) -> np.ndarray:
    """By how much the products of ``h`` with its even shifts miss (1, 0, 0, ...)."""
    products = [h[: h.size - shift] @ h[shift:] for shift in range(0, h.size, 2)]
    products[0] -= 1.0
    return np.array(products)


def _defect_jacobian(h: np.ndarray) -> np.ndarray:
    """Derivative of `_defect`: row k is ``h`` shifted by 2k to both sides, added."""
    jacobian = np.zeros((h.size // 2, h.size))
    for row, shift in zip(jacobian, range(0, h.size, 2), strict=True):
        row[: h.size - shift] += h[shift:]
        row[shift:] += h[: h.size - shift]
    return jacobian
