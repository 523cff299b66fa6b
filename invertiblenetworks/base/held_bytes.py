"""Bytes of memory that a function holds."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from types import FunctionType, MethodType, ModuleType

from .._types import Array
from ..backend import is_array
from ..kernels.workspace import Lease


def held_bytes(value: object, known: object = ()) -> int:
    """Bytes of the arrays that are reached from a value, and not from ``known``.

    Functions are searched for what they refer to, and memory of which there are
    several views counts once and as a whole.

    Examples
    --------
    >>> import numpy as np
    >>> def scaling(factor):
    ...     return lambda x: factor * x
    >>> held_bytes([scaling(np.ones(8)), scaling(np.ones((9, 9))[1])])
    712
    """
    seen: set[int] = set()
    of_others = _memory(known, seen)
    owners = _memory(value, seen)
    return sum(owners[key].nbytes for key in owners.keys() - of_others.keys())


def _memory(root: object, seen: set[int]) -> dict[int, Array]:
    """Arrays that own the memory of all that is reached and was not seen yet."""
    owners, waiting = {}, [root]
    while waiting:
        value = waiting.pop()
        if is_array(value):
            owner = _owner(value)
            owners[id(owner)] = owner
        elif id(value) not in seen:
            seen.add(id(value))
            waiting += _parts(value)
    return owners


def _parts(value: object) -> Iterable[object]:
    """What an object refers to; of a function not its module."""
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if isinstance(value, Lease):
        return (value.array,)  # It also knows of memory that is free.
    if isinstance(value, FunctionType):
        cells = [_content(cell) for cell in value.__closure__ or ()]
        return (*cells, value.__defaults__, value.__kwdefaults__)
    if isinstance(value, MethodType):
        return value.__self__, value.__func__
    if isinstance(value, functools.partial):
        return value.func, value.args, value.keywords
    if isinstance(value, type | ModuleType):
        return ()
    return _attributes(value)


def _content(cell) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # The function was defined before its variable.
        return None


def _attributes(value: object) -> list[object]:
    found = list(getattr(value, "__dict__", {}).values())
    for kind in type(value).__mro__:
        names = vars(kind).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if name not in ("__dict__", "__weakref__"):
                found.append(getattr(value, name, None))
    return found


def _owner(array: Array) -> Array:
    owner, base = array, getattr(array, "base", None)
    while base is not None:  # There may be objects between that are no arrays.
        owner = base if is_array(base) else owner
        base = getattr(base, "base", None)
    return owner
