"""How parameter tangents come into a layer, and parameter cotangents go out."""

from __future__ import annotations

from collections.abc import Sequence

from .._types import Array
from ..backend import get_array_module
from ..errors import describe, expect, message
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
        self._sums: dict[Parameter, Array] = {}

    def __call__(self, parameter: Parameter, cotangent: Array) -> None:
        known = self._sums.get(parameter)
        self._sums[parameter] = cotangent if known is None else known + cotangent

    def merge(self, other: Collector, in_place: bool) -> None:
        """Add the sums of another collector.

        In place if nobody else holds the arrays: a third one for each parameter would
        leave gaps in memory between gradients, and so make it grow with depth.
        """
        for parameter, cotangent in other._sums.items():
            if in_place and parameter in self._sums:
                self._sums[parameter] += cotangent
            else:
                self(parameter, cotangent)

    def items(self) -> list[tuple[Parameter, Array]]:
        """Return parameters and their cotangents, in the order of their first."""
        return list(self._sums.items())

    def aligned(self, parameters: Sequence[Parameter]) -> list[Array]:
        """Return cotangents in the order of ``parameters``; zeros where none came."""
        return [
            self._sums[p] if p in self._sums else zeros_like(p.data) for p in parameters
        ]


def condition_tangent(
    cond_kind: str, cond: Array | None, dcond: Array | None, where: str
) -> Array | None:
    """Return the direction of a condition: as given, or zeros; ``None`` without one.

    Raises
    ------
    TypeError
        If there is no condition with a gradient.
    ValueError
        If it has not the shape of the condition.
    """
    if cond_kind != "array":
        if dcond is not None:
            wanted = "no dcond without a condition that is an array"
            raise TypeError(message(where, wanted, describe(dcond)))
        return None
    if dcond is None:
        return zeros_like(cond)
    wanted = f"dcond of the shape {cond.shape} of the condition"
    expect(dcond.shape == cond.shape, where, wanted, dcond)
    return dcond


def make_tangent(
    parameters: Sequence[Parameter], dtheta: Sequence[Array] | None, where: str
) -> Tangent:
    """Turn the user's list of directions into a look-up by parameter."""
    if dtheta is None:
        return lambda parameter: zeros_like(parameter.data)
    check_list(dtheta, parameters, where, "dtheta")
    table = {id(p): d for p, d in zip(parameters, dtheta, strict=True)}
    return lambda parameter: table[id(parameter)]
