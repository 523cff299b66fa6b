"""An activation after a bias and a skip connection, and its gradient.

On CuPy each is one kernel in place, if the activation knows its formulas in CUDA.
"""

from __future__ import annotations

import functools

from .._types import Array
from ..backend import cupy_module, get_array_module, has_cuda_kernels
from .activation_base import Activation
from .channels import on_channels


def activate(
    activation: Activation, a: Array, bias: Array, skip: Array | None = None
) -> Array:
    """Return ``activation(a + skip + bias)``.

    Parameters
    ----------
    activation : Activation
        Elementwise.
    a : array, shape (N, C, *spatial)
        It is overwritten, and may be what is returned.
    bias : array, shape (C,)
    skip : array, optional
        Of the shape of ``a``.
    """
    if _has_kernels(activation, a):
        added = [array for array in (skip,) if array is not None]
        options = activation.options()
        kernel = _value(activation.cuda_value, tuple(options), len(added))
        kernel(a, on_channels(bias, a), *added, *options.values(), a)
        return a
    if skip is not None:
        a += skip
    a += on_channels(bias, a)
    return activation.forward(a)


def pull_back(
    activation: Activation, dy: Array, y: Array, skip: Array | None = None
) -> Array:
    """Return the cotangent of the argument, from the output ``y``.

    Parameters
    ----------
    activation : Activation
        Elementwise.
    dy : array
        Cotangent of ``y``, or a part of it. It is overwritten, and may be what is
        returned.
    y : array
    skip : array, optional
        What is to be added to ``dy`` first.
    """
    if _has_kernels(activation, y):
        added = [array for array in (skip,) if array is not None]
        options = activation.options()
        kernel = _gradient(activation.cuda_derivative, tuple(options), len(added))
        kernel(dy, y, *added, *options.values(), dy)
        return dy
    if skip is not None:
        dy += skip
    return activation.vjp(dy, y)


def _has_kernels(activation: Activation, x: Array) -> bool:
    return activation.cuda_value is not None and has_cuda_kernels(get_array_module(x))


@functools.cache
def _value(value: str, options: tuple[str, ...], n_skips: int) -> object:
    """Kernel of `activate`; CuPy compiles it per dtype at its first call."""
    skip = " + skip" * n_skips
    return _kernel(
        ["before", "bias", *["skip"] * n_skips, *options],
        f"const T x = before{skip} + bias; after = {value};",
        "biased_activation",
    )


@functools.cache
def _gradient(derivative: str, options: tuple[str, ...], n_skips: int) -> object:
    skip = " + skip" * n_skips
    return _kernel(
        ["before", "y", *["skip"] * n_skips, *options],
        f"after = (before{skip}) * ({derivative});",
        "activation_gradient",
    )


def _kernel(read: list[str], statements: str, name: str) -> object:
    declared = ", ".join(f"T {argument}" for argument in read)
    return cupy_module().ElementwiseKernel(declared, "T after", statements, name)
