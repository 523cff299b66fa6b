"""Affine maps of the channels of every pixel: ``y = m x + c``, and their adjoints.

Samples are shared among worker threads; each sample stays in the cache from its first
use to its last.
"""

from __future__ import annotations

from .._types import Array
from ..backend import get_array_module, has_cuda_kernels, on_host
from . import products_cuda, workers
from .channels import (
    as_columns,
    empty_state,
    flatten_spatial,
    n_pixels,
    on_channels,
    sum_but_channels,
)
from .compiled import mixing as compiled_mixing
from .compiled.library import Functions, functions
from .householder import channel_gram

LEAST_NUMBERS = 2**17
"""Numbers read for which it does not pay to wake another thread."""


def mix(matrix: Array, offset: Array, x: Array) -> Array:
    """Return ``matrix x + offset`` for the channels of every pixel.

    Parameters
    ----------
    matrix : array, shape (k, k)
    offset : array, shape (k,)
    x : array, shape (N, k, *spatial)
    """
    compiled = _compiled(x)
    if compiled is not None:
        return compiled_mixing.mix(compiled, matrix, offset, x)
    y = empty_state(x)

    def on_samples(samples):
        _mix_into(matrix, offset, x[samples], y[samples])

    workers.for_shares(len(x), _worth(x), on_samples)
    return y


def mix_and_correlate(
    of_value: tuple[Array, Array], of_cotangent: Array, value: Array, cotangent: Array
) -> tuple[Array, Array, Array, Array]:
    """Undo an affine map, pull its cotangent back, and sum what its gradient needs.

    Parameters
    ----------
    of_value : (matrix, offset)
        The inverse map.
    of_cotangent : array, shape (k, k)
        Transpose of the matrix of the map.
    value, cotangent : array, shape (N, k, *spatial)
        ``y`` and ``dy``.

    Returns
    -------
    x, dx : array, shape (N, k, *spatial)
    gram : array, shape (k, k)
        Sum over samples and pixels of ``u dy^T``, with ``u = matrix y`` before the
        offset is added. So nothing large cancels where x is far from zero.
    total : array, shape (k,)
        Sum of ``dy``.
    """
    compiled = _compiled(value)
    if compiled is not None:
        return compiled_mixing.mix_and_correlate(
            compiled, of_value, of_cotangent, value, cotangent
        )
    (matrix, offset), x, dx = of_value, empty_state(value), empty_state(value)

    def on_samples(samples):
        dy, here = cotangent[samples], x[samples]
        _mix_into(matrix, None, value[samples], here)
        gram = channel_gram(here, dy)
        here += on_channels(offset, here)
        _mix_into(of_cotangent, None, dy, dx[samples])
        return gram, sum_but_channels(dy)

    shares = workers.for_shares(len(x), _worth(x), on_samples)
    gram, total = shares[0]
    for other_gram, other_total in shares[1:]:
        gram, total = gram + other_gram, total + other_total
    return x, dx, gram, total


def _compiled(x: Array) -> Functions | None:
    return functions(x.dtype) if x.size and on_host(get_array_module(x)) else None


def _worth(x: Array) -> int:
    """Number of threads that there is work enough for; a device has its own."""
    return x.size // LEAST_NUMBERS if on_host(get_array_module(x)) else 1


def _mix_into(matrix, offset, x, y) -> None:
    xp = get_array_module(x)
    if n_pixels(x) == 1 and not has_cuda_kernels(xp):
        # One product for all samples, where matmul would make one per sample.
        xp.matmul(matrix, as_columns(x), out=as_columns(y))
    elif n_pixels(x) == 1 and x.ndim == 2:
        columns, result = as_columns(x), as_columns(y)
        products_cuda.multiply(matrix[None], columns[None], result[None])
    elif has_cuda_kernels(xp):
        products_cuda.multiply(matrix[None], flatten_spatial(x), flatten_spatial(y))
    else:
        xp.matmul(matrix, flatten_spatial(x), out=flatten_spatial(y))
    if offset is not None:
        y += on_channels(offset, y)
