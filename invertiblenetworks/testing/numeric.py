"""The numerical tools of the checks: inner products, orders of errors, matrices.

A *value* is whatever layers take and return: an array, ``None``, or a tuple or list
of values. New values are made in the library and dtype of a given one; what is
compared is float64 on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .._types import Array, Rng
from ..backend import get_array_module, is_gpu, to_cpu, to_gpu

Value: TypeAlias = Any
"""An array, ``None``, or a tuple or list of values."""

TAYLOR_STEPS = tuple(2.0**-k for k in range(8, 15))
"""Steps of the Taylor tests, for directions of norm 1.

The largest leaves third-order terms out of the fit; at the smallest the error of a
correct derivative is still far above rounding.
"""

DIFFERENCE_STEP = 1e-5
"""Step of central differences: rounding and the third derivative are in balance."""


# --- values ---------------------------------------------------------------------------


def arrays_in(value: Value) -> list[Array]:
    """Return the arrays of a value in order; ``None`` holds none."""
    if value is None:
        return []
    if isinstance(value, tuple | list):
        return [array for part in value for array in arrays_in(part)]
    return [value]


def map_arrays(function: Callable[..., Array], *values: Value) -> Value:
    """Apply ``function`` to the arrays of values of one structure, keeping it.

    Examples
    --------
    >>> map_arrays(lambda a, b: a + b, (np.ones(1), None), (np.ones(1), None))
    (array([2.]), None)
    """
    first = values[0]
    if first is None:
        return None
    if isinstance(first, tuple | list):
        parts = [map_arrays(function, *part) for part in zip(*values, strict=True)]
        return first._make(parts) if hasattr(first, "_make") else type(first)(parts)
    return function(*values)


def in_kind_of(host: np.ndarray, array: Array) -> Array:
    """Return a NumPy array in the dtype and library of ``array``."""
    host = host.astype(array.dtype)
    return to_gpu(host) if is_gpu(array) else host


def random_like(value: Value, rng: Rng) -> Value:
    """Draw standard normal numbers in the form of ``value``."""
    return map_arrays(lambda a: in_kind_of(rng.standard_normal(a.shape), a), value)


def zeros_like(value: Value) -> Value:
    """Return zeros in the form of ``value``."""
    return map_arrays(lambda a: get_array_module(a).zeros(a.shape, a.dtype), value)


def add_scaled(value: Value, factor: float, direction: Value) -> Value:
    """Return ``value + factor * direction``."""
    return map_arrays(lambda a, b: a + factor * b, value, direction)


def as_vector(value: Value) -> np.ndarray:
    """Lay all numbers of a value end to end, as float64 on the host."""
    parts = [np.asarray(to_cpu(a), np.float64).ravel() for a in arrays_in(value)]
    return np.concatenate(parts) if parts else np.zeros(0)


def from_vector(vector: np.ndarray, like: Value) -> Value:
    """Undo ``as_vector``: cut a vector into the form of ``like``."""
    start = 0

    def take(array):
        nonlocal start
        stop = start + array.size
        part = vector[start:stop].reshape(array.shape)
        start = stop
        return in_kind_of(part, array)

    return map_arrays(take, like)


def inner(a: Value, b: Value) -> float:
    """Inner product of two values of one structure."""
    return float(as_vector(a) @ as_vector(b))


def norm(a: Value) -> float:
    """Euclidean norm of all numbers of a value."""
    return float(np.linalg.norm(as_vector(a)))


def relative_error(found: Value, wanted: Value) -> float:
    """Largest ``|found - wanted|``, in units of the largest ``|wanted|`` or of 1.

    Values of other structure or shape have the error infinity; NaN stays NaN.
    """
    shapes = [[a.shape for a in arrays_in(v)] for v in (found, wanted)]
    if shapes[0] != shapes[1]:
        return float("inf")
    found, wanted = as_vector(found), as_vector(wanted)
    if wanted.size == 0:
        return 0.0
    return float(np.abs(found - wanted).max() / max(1.0, np.abs(wanted).max()))


# --- order of an error ----------------------------------------------------------------


@dataclass(frozen=True)
class TaylorFit:
    """How an error decays with the step.

    Attributes
    ----------
    order : float
        Slope of log error against log step; infinity if the errors are rounding.
    steps, errors : tuple of float
        The table behind it, which ``str`` prints.
    """

    order: float
    steps: tuple[float, ...]
    errors: tuple[float, ...]

    def __str__(self) -> str:
        rows = zip(self.steps, self.errors, strict=True)
        table = "\n".join(f"  {step:9.2e}  {error:9.2e}" for step, error in rows)
        return f"fitted order {self.order:.3f}\n       step      error\n{table}"


def taylor_order(
    error: Callable[[float], float],
    *,
    steps: Sequence[float] = TAYLOR_STEPS,
    rounding: float = 0.0,
) -> TaylorFit:
    """Fit the order at which ``error(step)`` decays.

    Parameters
    ----------
    error : callable
        For a Taylor test ``|f(p + h d) - f(p) - h f'(p) d|``: of order 2 in h if the
        derivative is right, of order 1 if it is not.
    steps : sequence of float
        Where it is evaluated.
    rounding : float, default 0
        If no error is larger than this the function is linear along the direction,
        and the order infinite.

    Examples
    --------
    >>> round(taylor_order(lambda h: 3.0 * h**2).order, 6)
    2.0
    """
    steps = tuple(steps)
    errors = tuple(error(step) for step in steps)
    if max(errors) <= rounding:
        return TaylorFit(float("inf"), steps, errors)
    if not all(0.0 < e < float("inf") for e in errors):
        return TaylorFit(float("nan"), steps, errors)
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    return TaylorFit(float(slope), steps, errors)


# --- matrices and differences, entry by entry -----------------------------------------


def unit_values(like: Value, entries: Sequence[int] | None = None) -> Iterator[Value]:
    """Yield values in the form of ``like`` with a single one among zeros."""
    size = as_vector(like).size
    for entry in range(size) if entries is None else entries:
        vector = np.zeros(size)
        vector[entry] = 1.0
        yield from_vector(vector, like)


def dense_matrix(
    apply: Callable[[Value], Value], like: Value, entries: Sequence[int] | None = None
) -> np.ndarray:
    """Return the matrix of a linear map, column by column.

    Parameters
    ----------
    apply : callable
        The map; for rows instead of columns give the adjoint and transpose.
    like : value
        Form of the argument of the map.
    entries : sequence of int, optional
        Which columns; by default all.

    Examples
    --------
    >>> dense_matrix(lambda x: 2.0 * x, np.zeros(2))
    array([[2., 0.],
           [0., 2.]])
    """
    columns = [as_vector(apply(unit)) for unit in unit_values(like, entries)]
    return np.stack(columns, axis=1)


def central_differences(
    function: Callable[[Value], float],
    value: Value,
    entries: Sequence[int] | None = None,
    *,
    step: float = DIFFERENCE_STEP,
) -> np.ndarray:
    """Return the gradient of ``function`` at ``value`` by central differences.

    One entry at a time; with ``entries`` only these of the flattened value.

    Examples
    --------
    >>> slopes = central_differences(lambda x: (x**2).sum(), np.array([1.0, 2.0]))
    >>> slopes.round(8)
    array([2., 4.])
    """
    base = as_vector(value)
    slopes = []
    for entry in range(base.size) if entries is None else entries:
        moved = base.copy()
        moved[entry] = base[entry] + step
        above = function(from_vector(moved, value))
        moved[entry] = base[entry] - step
        slopes.append((above - function(from_vector(moved, value))) / (2.0 * step))
    return np.array(slopes)
