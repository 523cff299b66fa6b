"""One move of ADAM on CuPy: one launch, and no memory."""

from __future__ import annotations

import functools

from .._types import Array
from ..backend import cupy_module


def move(
    data: Array,
    gradient: Array,
    m: Array,
    v: Array,
    betas: tuple[float, float],
    rate: float,
    eps: float,
) -> None:
    """Change the values and both moments in place.

    Parameters
    ----------
    data, gradient, m, v : arrays of one shape and dtype
    betas : (float, float)
    rate, eps : float
        Step length and what is added to the root of ``v``, both with the corrections
        for the start at zero.
    """
    (beta1, beta2) = betas
    _kernel()(gradient, beta1, 1 - beta1, beta2, 1 - beta2, rate, eps, m, v, data)


@functools.cache
def _kernel() -> object:
    return cupy_module().ElementwiseKernel(
        "T g, T keep1, T add1, T keep2, T add2, T rate, T eps",
        "T m, T v, T data",
        """
        m = m * keep1 + g * add1;
        v = v * keep2 + g * g * add2;
        data -= m / (sqrt(v) + eps) * rate;
        """,
        "adam_move",
    )
