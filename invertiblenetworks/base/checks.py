"""Checks of arguments that bijections and nets share; all come before any work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._types import Shape
from ..backend import get_array_module, is_array
from ..errors import LayerError, describe, message
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
        wanted, hint = f"{name} to be an array", ""
        if is_pair and getattr(value[1], "ndim", None) == 0:
            hint = "With logdet=True forward returns (y, logdet)."
            raise TypeError(message(where, wanted, "an array and a number", hint))
        for part in parts_of(value):
            if not is_array(part):
                raise TypeError(message(where, wanted, describe(part)))
            if hasattr(part, "mask"):  # Kernels see what is under it.
                hint = "Fill it first, with its method filled."
                raise TypeError(message(where, wanted, "one with a mask", hint))


def shape_of(layer: Layer, value) -> Shape:
    """Shape of an array, or shapes of a pair; raise if it is no batch of samples."""
    parts = parts_of(value)
    for part in parts:
        layer._expect(
            2 <= part.ndim <= 5 and min(part.shape) > 0,
            "arrays of shape (N, C, *spatial), none of them empty, with up to 3 "
            "spatial axes",
            part,
        )
    if not isinstance(value, tuple):
        return value.shape
    batches = [part.shape[0] for part in parts]
    if len(set(batches)) > 1:
        layer._refuse("two arrays of one batch size", f"batches {batches}")
    return tuple(part.shape for part in parts)


def expect_same_shape(where: str, names: tuple[str, str], derivative, value) -> None:
    """Raise unless a derivative has the structure and the shapes of its value."""
    found = [part.shape for part in parts_of(derivative)]
    wanted = [part.shape for part in parts_of(value)]
    if found != wanted or isinstance(derivative, tuple) != isinstance(value, tuple):
        expected = f"{names[0]} of the shape of {names[1]}, {describe(value)}"
        raise ValueError(message(where, expected, describe(derivative)))


def expect_results(
    layer: Layer, inverse: bool, hook: str, names: tuple[str, ...], results: object
) -> None:
    """Raise unless a hook, which may be a user's own, returned what it promises."""
    if isinstance(results, tuple) and len(results) == len(names):
        return
    if inverse:
        hook = {"_forward": "_inverse", "_backward": "_backward_inv"}[hook]
    where, wanted = f"{type(layer).__name__}.{hook}", f"a result ({', '.join(names)})"
    hint = ""
    if "ld" in names:
        hint = "ld holds log|det| of the map at each sample, zeros if it is 1."
    raise TypeError(message(where, wanted, describe(results), hint))


def check_call(
    layer: Layer, method: str, cond, optional: tuple[str, ...], arrays: dict
) -> tuple[Shape, bool]:
    """Check what bijections and nets have in common.

    Returns the shape of the first array, and whether all parameters have values.
    ``arrays`` holds the state first, by the names of the arguments; what is named in
    ``optional`` may be ``None``.
    """
    where = f"{type(layer).__name__}.{method}"
    if (cond is None) != (layer.cond_kind == "none"):
        wanted, hint = "no condition", ""
        if layer.cond_kind != "none":
            wanted, hint = "a condition", "Give it as the last argument."
        raise TypeError(message(where, wanted, describe(cond), hint))
    has_array = layer.cond_kind == "array"
    expect_arrays(where, optional, {**arrays, "cond": cond} if has_array else arrays)
    of_condition = cond if has_array else None
    initialized = layer._check_arrays(method, **arrays, cond=of_condition)
    value = next(iter(arrays.values()))
    shape = shape_of(layer, value)
    if has_array:
        n_samples = parts_of(value)[0].shape[0]
        layer._expect(
            cond.shape[:1] == (n_samples,),
            f"a condition with the batch size {n_samples}",
            cond,
            "To use one condition for all samples, repeat it along axis 0.",
        )
    return shape, initialized


def named_error(
    layer: Layer, method: str, error: LayerError, arrays: dict, cond
) -> Exception:
    """Turn the finding of a layer inside into the error of the called method.

    ``arrays`` and ``cond`` are those of `check_call`.
    """
    text = f"{type(layer).__name__}.{method}: {error.text}"
    if error.layer is layer:
        return error.kind(f"{text} {error.own_hint}".rstrip())
    name, value = next(iter(arrays.items()))
    names = [f"{name}{i}" for i in (1, 2)] if isinstance(value, tuple) else [name]
    parts = zip(names, parts_of(value), strict=True)
    given = "; ".join(f"{of_part}: {describe(part)}" for of_part, part in parts)
    if layer.cond_kind == "array":
        given += f"; cond: {describe(cond)}"
    inside = type(error.layer).__name__
    return error.kind(f"{text} (Found by {inside} inside, given {given}.)")


def cond_shape_of(layer: Layer, cond):
    """What checks of shapes are told of a condition: a context comes as it is."""
    return cond.shape if layer.cond_kind == "array" else cond


@contextmanager
def first_batch(layer: Layer, x, cond) -> Iterator[None]:
    """Look at a first batch, then set all parameters in the block, or none."""
    where = f"{type(layer).__name__}.initialize"
    expect_finite(where, x)
    if layer.cond_kind == "array":
        expect_finite(where, cond)
    unset = [p for p in layer.get_params() if not p.initialized]
    try:
        yield
    except BaseException:
        for parameter in unset:
            parameter.data = None
        raise


def expect_finite(where: str, value) -> None:
    """Refuse a first batch that would spoil parameters: the one look at values."""
    for array in parts_of(value):
        if not bool(get_array_module(array).isfinite(array).all()):
            got = "NaN or infinity in the first batch"
            raise ValueError(message(where, "finite values", got))
