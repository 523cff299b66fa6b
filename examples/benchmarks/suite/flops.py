"""How much arithmetic a gradient needs, and how fast the machine could do it."""

from __future__ import annotations

from .results import Results
from .task import Configuration, Task

UNITS = 4
"""Evaluations of the conditioner in a gradient that stores nothing: one forwards, one
to invert, two for the gradient (that of its input and that of its kernels)."""

TAPS = 9
PRODUCT = Configuration("product", size=3072)
QUICK_PRODUCT = Configuration("product", size=128)


def conditioner_weights(c: Configuration) -> int:
    """Return the number of entries in the kernels of all conditioners."""
    return sum(c.steps * _weights(c, channels) for channels, _ in _scales(c))


def evaluation_flops(c: Configuration) -> int:
    """Return the operations of one evaluation of all conditioners.

    A multiplication and an addition count as two.
    """
    return (
        2
        * c.batch
        * sum(
            c.steps * pixels * _weights(c, channels) for channels, pixels in _scales(c)
        )
    )


def limit_seconds(c: Configuration, product_time: float, size: int) -> float:
    """Return the time of `UNITS` evaluations at the speed of a product.

    Parameters
    ----------
    c : Configuration
        The flow.
    product_time : float
        Seconds of a product of square matrices.
    size : int
        Number of their rows.
    """
    return UNITS * evaluation_flops(c) * product_time / (2.0 * size**3)


def ratio_to_limit(results: Results, task: Task, product: Task) -> float | None:
    """Return the time of ``task`` in units of its arithmetic limit."""
    time = results.number(task, "time_min")
    product_time = results.number(product, "time_min")
    if time is None or product_time is None:
        return None
    size = product.configuration.size
    return time / limit_seconds(task.configuration, product_time, size)


def _scales(c: Configuration) -> list[tuple[int, int]]:
    """Channels and pixels of each scale, after its squeeze."""
    if c.ndims == 0:
        return [(c.channels, 1)]
    return [
        (c.channels * 2 ** (scale + 2), (c.size // 2 ** (scale + 1)) ** 2)
        for scale in range(c.scales)
    ]


def _weights(c: Configuration, channels: int) -> int:
    taps = 1 if c.ndims == 0 else TAPS
    half = channels // 2
    return taps * half * c.hidden + c.hidden**2 + taps * c.hidden * 2 * half
