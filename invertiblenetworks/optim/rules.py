"""The rules by which gradients move parameters."""

from __future__ import annotations

import math
from collections.abc import Callable

from .._types import Array
from ..backend import get_array_module, has_cuda_kernels
from ..errors import describe, expect, expect_real, message
from ..kernels import adam_cuda
from .optimizer import Optimizer, State


class ADAM(Optimizer):
    """Adaptive moment estimation.

    Parameters
    ----------
    lr : float, default 1e-3
        Step length; may be set at any time.
    betas : (float, float), default (0.9, 0.999)
        Decay rates of the running means of gradients and of their squares.
    eps : float, default 1e-8
        Added to the root of the mean square.
    schedule : callable, optional
        From the number of updates that a parameter has had to a factor on its step
        length: ``exponential_decay``, ``cosine_decay``, or any function.
    clip_norm : float, optional
        Shorten the gradients of a ``step`` by one factor if together they are longer.
    check_finite : bool, default True
        Raise ``FloatingPointError`` before anything is changed if a gradient is not
        finite.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Notes
    -----
    With the gradient g at update t of a parameter::

        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g^2
        data -= lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)

    Moments belong to the ``Parameter``, not to its array: they follow it when it is
    set, moved or cast, and are forgotten with it. A schedule acts on the step length;
    on the gradient, as in the original's scripts, ADAM would undo it.

    On a GPU, ``check_finite`` and ``clip_norm`` wait for the device, once per
    ``step`` or ``update``. Call ``step`` once rather than ``update`` for each
    parameter, or switch both off, and nothing waits.

    Memory: two arrays like the parameters, and one like the largest while it works; on
    a GPU, where a move is one kernel, the two only.

    References
    ----------
    Kingma and Ba (2015), Adam, algorithm 1, arXiv:1412.6980.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks.parameter import Parameter
    >>> p = Parameter(np.array([1.0, -1.0]))
    >>> p.accumulate(np.array([5.0, -0.1]))
    >>> ADAM(lr=0.1).update(p)
    >>> p.data.round(6)
    array([ 0.9, -0.9])
    """

    moment_names = ("m", "v")

    def __init__(
        self,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        schedule: Callable[[int], float] | None = None,
        clip_norm: float | None = None,
        check_finite: bool = True,
    ):
        super().__init__(lr, schedule, clip_norm, check_finite)
        if not (hasattr(betas, "__len__") and len(betas) == 2):
            raise TypeError(message("ADAM", "betas to be two numbers", describe(betas)))
        for beta in betas:
            expect_real("ADAM", betas=beta)
        expect_real("ADAM", eps=eps)
        in_range = all(0.0 <= beta < 1.0 for beta in betas)
        expect(in_range, "ADAM", "betas from 0 to below 1", repr(betas))
        expect(eps > 0, "ADAM", "eps to be positive", repr(eps))
        self.betas = tuple(float(beta) for beta in betas)
        self.eps = float(eps)

    def _move(self, data: Array, gradient: Array, state: State, lr: float) -> None:
        (beta1, beta2), (m, v) = self.betas, state.moments
        # Both corrections for the start at zero go into numbers, not arrays: the end
        # of section 2 of the paper, with eps scaled so that the result is the same.
        correction = math.sqrt(1.0 - beta2**state.count)
        rate = lr * correction / (1.0 - beta1**state.count)
        eps = self.eps * correction
        xp = get_array_module(data)
        if has_cuda_kernels(xp):
            adam_cuda.move(data, gradient, m, v, self.betas, rate, eps)
            return
        work = xp.multiply(gradient, 1.0 - beta1, out=xp.empty_like(data))
        m *= beta1
        m += work
        xp.multiply(gradient, gradient, out=work)
        work *= 1.0 - beta2
        v *= beta2
        v += work
        xp.sqrt(v, out=work)
        work += eps
        xp.divide(m, work, out=work)
        work *= rate
        data -= work


class SGD(Optimizer):
    """Gradient descent, with momentum if wanted.

    Parameters
    ----------
    lr : float
        Step length; may be set at any time.
    momentum : float, default 0
        Part of the last move that is kept, from 0 to below 1.
    schedule, clip_norm, check_finite
        See ``ADAM``.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Notes
    -----
    ``v = momentum v + g; data -= lr v``.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks.parameter import Parameter
    >>> p = Parameter(np.array([1.0, -1.0]))
    >>> p.accumulate(np.array([5.0, -0.1]))
    >>> SGD(lr=0.1).update(p)
    >>> p.data
    array([ 0.5 , -0.99])
    """

    def __init__(
        self,
        lr: float,
        momentum: float = 0.0,
        *,
        schedule: Callable[[int], float] | None = None,
        clip_norm: float | None = None,
        check_finite: bool = True,
    ):
        super().__init__(lr, schedule, clip_norm, check_finite)
        expect_real("SGD", momentum=momentum)
        in_range = 0.0 <= momentum < 1.0
        expect(in_range, "SGD", "momentum from 0 to below 1", repr(momentum))
        self.momentum = float(momentum)
        self.moment_names = ("v",) if momentum > 0 else ()

    def _move(self, data: Array, gradient: Array, state: State, lr: float) -> None:
        if state.moments:
            (v,) = state.moments
            v *= self.momentum
            v += gradient
            gradient = v
        xp = get_array_module(data)
        data -= xp.multiply(gradient, lr, out=xp.empty_like(data))
