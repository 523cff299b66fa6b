"""The conditioner of a coupling as one kernel, in memory that is used again.

With the activation phi, and convolutions as in `ResidualBlock`::

    h1 = phi(W1 * x + b1),  h2 = phi(W2 * h1 + h1 + b2),  y = W3^T * h2

There are four kernels, each an object with two methods: ``forward(x)``
returns y, and ``linearize(x)`` returns y and the function that pulls its cotangent
back, which may be called again.

This file holds what is common; the kernels are in `streamed_pointwise` (W2 is 1x1, and
images keep their size), `streamed_spatial`, `vector_block` and, in C, in `compiled`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .._types import Array


class Gradients(NamedTuple):
    """Cotangents of the five parameters, in their own shapes."""

    W1: Array
    b1: Array
    W2: Array
    b2: Array
    W3: Array


Pull = Callable[[Array], tuple[Array, Gradients]]


def with_column(w: Array, b: Array, matrix: Array) -> Array:
    """Write weights and, as last column, the bias to a matrix, and return it."""
    matrix[:, :-1] = w.reshape(len(w), -1)
    matrix[:, -1] = b
    return matrix


def add_skip(matrix: Array) -> None:
    """Add the identity in place to a square matrix in C order with one more column."""
    diagonal = matrix.reshape(-1)[:: len(matrix) + 2]
    diagonal += 1
