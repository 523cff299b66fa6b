"""Affine maps of the channels of every pixel: ``y = m x + c``, and their adjoints.

Samples (panels of pixels, where it is compiled) are shared among worker threads; each
stays in the cache from its first use to its last.
"""

from __future__ import annotations

from .._types import Array
from ..backend import get_array_module, has_cuda_kernels
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
from .compiled.library import functions_of
from .householder import channel_gram


def mix(matrix: Array, offset: Array, x: Array) -> Array:
    """Return ``matrix x + offset`` for the channels of every pixel.

    Parameters
    ----------
    matrix : array, shape (k, k)
    offset : array, shape (k,)
    x : array, shape (N, k, *spatial)
    """
    compiled = functions_of(x, matrix, offset)
    if compiled is not None and x.size:
        return compiled_mixing.mix(compiled, matrix, offset, x)
    y = empty_state(x)

    def on_samples(samples):
        _mix_into(matrix, offset, x[samples], y[samples])

    workers.for_shares(len(x), workers.worth_of_reading(x), on_samples)
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
    compiled = functions_of(value, cotangent, *of_value, of_cotangent)
    if compiled is not None and value.size:
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

    shares = workers.for_shares(len(x), workers.worth_of_reading(x), on_samples)
    gram, total = shares[0]
    for other_gram, other_total in shares[1:]:
        gram, total = gram + other_gram, total + other_total
    return x, dx, gram, total


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
