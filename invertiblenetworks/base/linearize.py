"""How parameter tangents come into a layer, and parameter cotangents go out."""

from __future__ import annotations

from collections.abc import Sequence

from .._types import Array
from ..backend import get_array_module
from ..parameter import Parameter, Tangent, check_list


def zeros_like(x):
    """Zeros in the form of an array or of a tuple of arrays."""
    if isinstance(x, tuple):
        return tuple(zeros_like(part) for part in x)
    return get_array_module(x).zeros(x.shape, x.dtype)


class Collector:
    """Receives parameter cotangents in place of ``Parameter.accumulate``.

    So ``adjoint_jacobian`` runs the code of ``backward`` and leaves ``grad`` alone.
    """

    def __init__(self):
        self._sums: dict[int, Array] = {}

    def __call__(self, parameter: Parameter, cotangent: Array) -> None:
        key = id(parameter)
        known = self._sums.get(key)
        self._sums[key] = cotangent if known is None else known + cotangent

    def aligned(self, parameters: Sequence[Parameter]) -> list[Array]:
        """Return the cotangents in the order of ``parameters``; zeros where none came."""
        return [
            self._sums[id(p)] if id(p) in self._sums else zeros_like(p.data)
            for p in parameters
        ]


def make_tangent(
    parameters: Sequence[Parameter], dtheta: Sequence[Array] | None, where: str
) -> Tangent:
    """Turn the user's list of directions into a look-up by parameter."""
    if dtheta is None:
        return lambda parameter: zeros_like(parameter.data)
    check_list(dtheta, parameters, where, "dtheta")
    table = {id(p): d for p, d in zip(parameters, dtheta, strict=True)}
    return lambda parameter: table[id(parameter)]
