"""What is asked of gradients before they are used: shape, finiteness, length."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..backend import get_array_module, to_cpu
from ..errors import describe, expect, message
from ..parameter import Parameter


def trained_parameters(params: Sequence[Parameter], where: str) -> dict[Parameter, int]:
    """Return the parameters to move, each once, with their positions in ``params``.

    These are the ones with a gradient that are not frozen.
    """
    if not isinstance(params, list | tuple) or not all(
        isinstance(p, Parameter) for p in params
    ):
        wanted, hint = "a list of Parameter", "Pass net.get_params()."
        raise TypeError(message(where, wanted, describe(params), hint))
    positions: dict[Parameter, int] = {}
    for i, p in enumerate(params):
        if p.grad is not None and p.trainable:
            if p.grad.shape != p.shape:
                wanted = f"params[{i}].grad of shape {p.shape}"
                raise ValueError(message(where, wanted, describe(p.grad)))
            positions[p] = i
    return positions


def gradient_norm(positions: dict[Parameter, int], where: str) -> float:
    """Euclidean norm of all gradients together, which must be finite.

    Waits for the GPU, once: all sums of squares come to the host together.
    """
    gradients = [p.grad for p in positions]
    if not gradients:
        return 0.0
    xp = get_array_module(*gradients)
    squares = to_cpu(xp.array([xp.vdot(g, g) for g in gradients]))
    finite = np.isfinite(squares)
    if not finite.all():
        position = list(positions.values())[int(finite.argmin())]
        got = f"NaN, infinity or an overflow of squares in params[{position}].grad"
        hint = "No parameter was changed. Clear the gradients to go on."
        raise FloatingPointError(message(where, "finite gradients", got, hint))
    return math.sqrt(squares.sum(dtype="float64"))


def clip_grad_norm(params: Sequence[Parameter], max_norm: float) -> float:
    """Shorten all gradients by one factor if together they are too long.

    Parameters
    ----------
    params : sequence of Parameter
        For instance ``net.get_params()``. Parameters without gradient do not count.
    max_norm : float
        Largest Euclidean norm allowed, of all gradients as one vector.

    Returns
    -------
    float
        The norm before clipping.

    Raises
    ------
    FloatingPointError
        If a gradient is not finite, or its squares overflow; nothing was changed.
    ValueError
        If ``max_norm`` is not positive.

    Notes
    -----
    The norm comes to the host, so this waits for a GPU.

    Examples
    --------
    >>> p = Parameter(np.zeros(2))
    >>> p.accumulate(np.array([3.0, 4.0]))
    >>> clip_grad_norm([p], 1.0)
    5.0
    >>> p.grad
    array([0.6, 0.8])
    """
    where = "clip_grad_norm"
    expect(max_norm > 0, where, "max_norm to be positive", repr(max_norm))
    positions = trained_parameters(params, where)
    norm = gradient_norm(positions, where)
    if norm > max_norm:
        for p in positions:
            # A new array: layers may hand the same one to several parameters.
            p.grad = p.grad * (float(max_norm) / norm)
    return norm
