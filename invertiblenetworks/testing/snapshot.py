"""What a layer holds, deep down, so that a change can be found and named."""

from __future__ import annotations

from types import FunctionType, ModuleType

import numpy as np

from ..backend import is_array, to_cpu
from ..parameter import Parameter

OPAQUE = (str, bytes, int, float, complex, bool, type(None), np.dtype, np.generic)


def snapshot(value: object, path: str = "") -> dict[str, object]:
    """Return what is reachable from ``value``, by path.

    Arrays become their bytes, numbers and text themselves; objects are looked into,
    also those that are no layers, since one of them may hold a cache.
    """
    found: dict[str, object] = {}
    _walk(value, path, found, set())
    return found


def changes(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """Return the paths at which two snapshots differ."""
    paths = sorted(set(before) | set(after))
    missing = object()
    return [p for p in paths if before.get(p, missing) != after.get(p, missing)]


def bytes_of(array) -> tuple:
    """Shape, type and bytes of an array."""
    host = to_cpu(array)
    return host.shape, str(host.dtype), host.tobytes()


def _walk(value, path, found, seen):
    if isinstance(value, OPAQUE):
        found[path] = value
    elif is_array(value):
        found[path] = bytes_of(value)
    elif id(value) in seen or isinstance(value, FunctionType | ModuleType | type):
        found[path] = id(value)
    else:
        seen.add(id(value))
        found[path] = type(value).__name__
        for name, child in _children(value):
            _walk(child, f"{path}.{name}" if path else name, found, seen)


def _children(value):
    if isinstance(value, Parameter):
        return [(name, getattr(value, name)) for name in ("data", "grad", "trainable")]
    if isinstance(value, dict):
        return [(str(key), child) for key, child in value.items()]
    if isinstance(value, list | tuple | set | frozenset):
        return [(str(i), child) for i, child in enumerate(value)]
    return list(getattr(value, "__dict__", {}).items())
