"""Checks of arguments that bijections and nets share; all come before any work."""

from __future__ import annotations

import numbers

from .._types import Shape
from ..backend import get_array_module, is_array
from ..errors import describe, message
from .layer import Layer


def parts_of(value) -> tuple:
    """The arrays of a value: itself, or those of a pair."""
    return value if isinstance(value, tuple) else (value,)


def expect_arrays(where: str, optional: tuple[str, ...], arrays: dict) -> None:
    """Raise unless each value is an array or a pair of them.

    Only what is named in ``optional`` may be ``None``. A condition is one array.
    """
    for name, value in arrays.items():
        if value is None and name in optional:
            continue
        is_pair = isinstance(value, tuple) and len(value) == 2
        if isinstance(value, tuple) and (not is_pair or name in ("cond", "dcond")):
            wanted = "one array" if "cond" in name else "an array, or a tuple of two"
            raise TypeError(message(where, f"{name} to be {wanted}", describe(value)))
        for part in parts_of(value):
            if not is_array(part):
                wanted = f"{name} to be an array"
                raise TypeError(message(where, wanted, describe(part)))


def shape_of(layer: Layer, value) -> Shape:
    """Shape of an array, or shapes of a pair; raise if it is no batch of samples."""
    parts = parts_of(value)
    for part in parts:
        layer._expect(
            2 <= part.ndim <= 5 and all(size > 0 for size in part.shape),
            "arrays of shape (N, C, *spatial), none of them empty, with up to 3 "
            "spatial axes",
            part,
        )
    batches = [part.shape[0] for part in parts]
    layer._expect(
        len(set(batches)) == 1, "two arrays of one batch size", f"batches {batches}"
    )
    return tuple(p.shape for p in parts) if isinstance(value, tuple) else value.shape


def expect_same_shape(where: str, names: tuple[str, str], derivative, value) -> None:
    """Raise unless a derivative has the structure and the shapes of its value."""
    found = [part.shape for part in parts_of(derivative)]
    wanted = [part.shape for part in parts_of(value)]
    if found != wanted or isinstance(derivative, tuple) != isinstance(value, tuple):
        expected = f"{names[0]} of the shape of {names[1]}, {describe(value)}"
        raise ValueError(message(where, expected, describe(derivative)))


def expect_finite(where: str, value) -> None:
    """Refuse a first batch that would spoil parameters: the one look at values."""
    for array in parts_of(value):
        if not bool(get_array_module(array).isfinite(array).all()):
            got = "NaN or infinity in the first batch"
            raise ValueError(message(where, "finite values", got))


def expect_number(where: str, **values: object) -> None:
    """Raise unless each value is a number, or an array of one."""
    for name, value in values.items():
        is_scalar = isinstance(value, numbers.Real) or (
            is_array(value) and value.ndim == 0
        )
        if not is_scalar:
            raise TypeError(message(where, f"{name} to be one number", describe(value)))
