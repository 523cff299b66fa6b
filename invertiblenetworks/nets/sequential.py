"""Nets one after the other."""

from __future__ import annotations

from ..base import Net
from ..errors import message


class Sequential(Net):
    """Apply nets in the order given.

    Parameters
    ----------
    *nets : Net
        The nets, first applied first. None may take a condition.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import Dense, Pointwise, Sequential
    >>> net = Sequential(Dense(3, 8), Pointwise("tanh"), Dense(8, 2))
    >>> net.forward(np.ones((5, 3), "float32")).shape
    (5, 2)
    """

    def __init__(self, *nets: Net):
        for net in nets:
            if not isinstance(net, Net) or net.cond_kind != "none":
                wanted, got = "nets without condition", type(net).__name__
                raise TypeError(message(type(self).__name__, wanted, got))
        self.nets = list(nets)

    _is_per_sample = True

    @property
    def splits_batch(self) -> bool:
        """Whether all nets do."""
        return super().splits_batch and all(net.splits_batch for net in self.nets)

    def _forward(self, x, cond):
        for net in self.nets:
            x = net._forward(x, None)
        return x

    def _linearize(self, x, cond):
        pulls = []
        for net in self.nets:
            x, pull = net._linearize(x, None)
            pulls.append(pull)

        def pull_all(dy, add_grad):
            for pull in reversed(pulls):
                dy, _ = pull(dy, add_grad)
            return dy, None

        return x, pull_all

    def _jvp(self, dx, dcond, tangent, x, cond):
        for net in self.nets:
            dx, x = net._jvp(dx, None, tangent, x, None)
        return dx, x

    def _check_shape(self, shape, cond_shape):
        for net in self.nets:
            shape = net._check_shape(shape, None)
        return shape

    def _initialize(self, x, cond):
        for net in self.nets:
            x = net._initialize(x, None)
        return x
