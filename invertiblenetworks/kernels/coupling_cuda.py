"""Formulas of couplings on CuPy: one kernel each, which needs no memory of its own."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from .._types import Array
from ..backend import cupy_module
from .activation_base import Activation
from .channels import CHANNEL_AXIS

_SCALE = """
    struct Scale {
        T value, log_value, log_derivative;
        __device__ Scale(%s) { %s }
    };
"""


@dataclass(frozen=True)
class Formula:
    """Several results of several arrays of one dtype, element by element.

    Attributes
    ----------
    name : str
    read, written : str
        Names of the arrays, separated by blanks.
    statements : str
        C++ that sets what is written. Affine formulas find in ``s`` the scale made of
        ``raw``, with ``value``, ``log_value`` and ``log_derivative``.
    """

    name: str
    read: str
    written: str
    statements: str

    def __call__(
        self,
        read: Sequence[Array],
        written: Sequence[Array],
        activation: Activation | None = None,
    ) -> None:
        """Launch the kernel.

        What is read broadcasts to the shape of what is written. A written array may
        have the memory of one that is read, element for element.

        Parameters
        ----------
        read, written : sequences of arrays
            In the order of their names.
        activation : Activation, optional
            Makes the scale; it has a ``cuda_scale``.
        """
        if activation is None:
            _elementwise(self, None, ())(*read, *written)
            return
        options = activation.options()
        kernel = _elementwise(self, activation.cuda_scale, tuple(options))
        kernel(*read, *options.values(), *written)


def sum_log_scale(activation: Activation, raw: Array, sign: float) -> Array:
    """Sum the logarithm of the scale per sample, times a sign, in one launch."""
    options = activation.options()
    kernel = _sum_of_logs(activation.cuda_scale, tuple(options))
    axes = tuple(range(CHANNEL_AXIS, raw.ndim))
    return kernel(raw, sign, *options.values(), axis=axes)


@functools.cache
def _elementwise(formula: Formula, scale: str | None, options: tuple[str, ...]):
    """Kernel of a formula; CuPy compiles it per dtype at its first call."""
    names = formula.read.split()
    # All is read before anything is written, which may be in the same place.
    body = "".join(f"const T {name} = old_{name}; " for name in names)
    if scale:
        body += f"const Scale s({', '.join(['raw', *options])}); "
    return cupy_module().ElementwiseKernel(
        _declared([*(f"old_{name}" for name in names), *options]),
        _declared(formula.written.split()),
        body + formula.statements,
        f"coupling_{formula.name}",
        preamble=_scale_struct(scale, options) if scale else "",
    )


@functools.cache
def _sum_of_logs(scale: str, options: tuple[str, ...]):
    return cupy_module().ReductionKernel(
        _declared(["raw", "sign", *options]),
        "T ld",
        f"sign * Scale({', '.join(['raw', *options])}).log_value",
        "a + b",
        "ld = a",
        "0",
        "coupling_sum_of_logs",
        preamble=_scale_struct(scale, options),
    )


def _scale_struct(scale: str, options: Sequence[str]) -> str:
    return _SCALE % (_declared(["x", *options]), scale)


def _declared(names: Sequence[str]) -> str:
    return ", ".join(f"T {name}" for name in names)
