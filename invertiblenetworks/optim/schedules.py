"""Schedules: functions from the number of updates made to a factor on the step length.

They are named like functions because that is how they are used:
``ADAM(1e-3, schedule=exponential_decay(0.9, every=100))``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import expect, expect_positive


@dataclass(frozen=True)
class exponential_decay:
    """Multiply the step length by ``rate`` after every ``every`` updates.

    Parameters
    ----------
    rate : float
        Factor, positive.
    every : int, default 1
        Number of updates between two changes, for instance those of an epoch.

    Examples
    --------
    >>> schedule = exponential_decay(0.5, every=10)
    >>> [schedule(step) for step in (0, 9, 10, 20)]
    [1.0, 1.0, 0.5, 0.25]
    """

    rate: float
    every: int = 1

    def __post_init__(self):
        where = "exponential_decay"
        expect(self.rate > 0, where, "rate to be positive", repr(self.rate))
        expect_positive(where, every=self.every)

    def __call__(self, step: int) -> float:
        return float(self.rate) ** (step // self.every)


@dataclass(frozen=True)
class cosine_decay:
    """Rise linearly over ``warmup`` updates, then fall to zero along half a cosine.

    Parameters
    ----------
    n_steps : int
        Number of updates after which the factor is zero.
    warmup : int, default 0
        Updates of the rise, which are part of ``n_steps``.

    References
    ----------
    Loshchilov and Hutter (2017), SGDR, equation 5, arXiv:1608.03983.

    Examples
    --------
    >>> schedule = cosine_decay(10, warmup=2)
    >>> [round(schedule(step), 2) for step in (0, 1, 2, 6, 10, 11)]
    [0.5, 1.0, 1.0, 0.5, 0.0, 0.0]
    """

    n_steps: int
    warmup: int = 0

    def __post_init__(self):
        where = "cosine_decay"
        expect_positive(where, n_steps=self.n_steps)
        wanted = "warmup to be an integer from 0 to below n_steps"
        fits = isinstance(self.warmup, int) and 0 <= self.warmup < self.n_steps
        expect(fits, where, wanted, repr(self.warmup))

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = min((step - self.warmup) / (self.n_steps - self.warmup), 1.0)
        return 0.5 * (1.0 + math.cos(math.pi * done))
