"""A connection around a net."""

from __future__ import annotations

from ..base import Net
from ..errors import describe, message


class Skip(Net):
    """``x + net(x)``.

    Parameters
    ----------
    net : Net
        Must return the shape it is given. If it takes a condition, so does this.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import Conv, Skip
    >>> net = Skip(Conv(2, 2, 3, pad=1, zero=True))
    >>> net.forward(np.ones((1, 2, 1, 2), "float32"))
    array([[[[1., 1.]],
            [[1., 1.]]]], dtype=float32)
    """

    def __init__(self, net: Net):
        if not isinstance(net, Net):
            raise TypeError(message("Skip", "a Net", describe(net)))
        self.net = net

    @property
    def splits_batch(self) -> bool:
        """Whether the net inside does."""
        return type(self) is Skip and self.net.splits_batch

    @property
    def cond_kind(self) -> str:
        """The kind of condition of the net."""
        return self.net.cond_kind

    def _forward(self, x, cond):
        return x + self.net._forward(x, cond)

    def _linearize(self, x, cond):
        y, pull = self.net._linearize(x, cond)

        def pull_both(dy, add_grad):
            dx, dcond = pull(dy, add_grad)
            return dx + dy, dcond

        return x + y, pull_both

    def _jvp(self, dx, dcond, tangent, x, cond):
        dy, y = self.net._jvp(dx, dcond, tangent, x, cond)
        return dx + dy, x + y

    def _check_shape(self, shape, cond_shape):
        result = self.net._check_shape(shape, cond_shape)
        wanted = "a net that keeps the shape of its input"
        self._expect(result == shape, wanted, f"a change from {shape} to {result}")
        return shape

    def _initialize(self, x, cond):
        return x + self.net._initialize(x, cond)
