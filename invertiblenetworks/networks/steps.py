"""What the recipes of several networks share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..base import Bijection
from ..compose import Chain
from ..errors import expect


def check_scales(where: str, ndims: int, split_scales: bool) -> None:
    """Raise unless there are spatial axes, where scales need them."""
    expect(ndims in (0, 1, 2, 3), where, "ndims to be 0, 1, 2 or 3", repr(ndims))
    if split_scales:
        hint = "One channel, or split_scales, cannot do without."
        expect(ndims > 0, where, "spatial axes to squeeze", "ndims=0", hint)


def channels_per_scale(
    n_in: int, n_scales: int, ndims: int, *, halve: bool
) -> tuple[list[int], list[int | None]]:
    """Channels of each scale, and how many go on from it to the next.

    Every squeeze multiplies the channels by ``2^ndims``; then half of them go on, or
    all (``None``).
    """
    at_scale, going_on = [], []
    for _ in range(n_scales):
        n_in *= 2**ndims
        at_scale.append(n_in)
        if halve:
            n_in //= 2
        going_on.append(n_in if halve else None)
    return at_scale, going_on[:-1]


def steps(count: int, step: Callable[[], Sequence[Bijection]]) -> list[Bijection]:
    """``count`` new steps one after the other, as one flat list of layers."""
    return [layer for _ in range(count) for layer in step()]


def level(count: int, step: Callable[[], Sequence[Bijection]]) -> Chain:
    """``count`` new steps as one layer."""
    return Chain(*steps(count, step))
