"""Feed a condition to a net by joining it to the input."""

from __future__ import annotations

import copy

from ..base import Net
from ..errors import describe, message
from ..kernels.channels import join_channels, split_channels


class ConcatCond(Net):
    """Turn a net without condition into one with: ``net(join(x, cond))``.

    Parameters
    ----------
    net : Net
        Takes the channels of ``x`` followed by those of the condition.
    """

    cond_kind = "array"

    def __init__(self, net: Net):
        if not isinstance(net, Net) or net.cond_kind != "none":
            wanted = "a net without condition"
            raise TypeError(message("ConcatCond", wanted, describe(net)))
        self.net = net

    @property
    def splits_batch(self) -> bool:
        """Whether the net inside does."""
        return type(self) is ConcatCond and self.net.splits_batch

    @property
    def gives_result_away(self) -> bool:
        """Whether the net inside does."""
        return type(self) is ConcatCond and self.net.gives_result_away

    @property
    def gives_gradients_away(self) -> bool:
        return type(self) is ConcatCond and self.net.gives_gradients_away

    def _prepared(self, x):
        if type(self) is not ConcatCond:
            return self
        twin = copy.copy(self)
        twin.net = self.net._prepared(x)
        return twin

    def _n_weights(self):
        return self.net._n_weights()

    def _held(self, shape, gradient):
        return self.net._held(shape, gradient)

    def _shares_work(self, x):
        return type(self) is ConcatCond and self.net._shares_work(x)

    def _reach(self):
        return self.net._reach()

    def _forward(self, x, cond):
        return self.net._forward(join_channels(x, cond), None)

    def _linearize(self, x, cond):
        n_channels = x.shape[1]
        y, pull = self.net._linearize(join_channels(x, cond), None)

        def pull_apart(dy, add_grad):
            d, _ = pull(dy, add_grad)
            return split_channels(d, n_channels)

        return y, pull_apart

    def _jvp(self, dx, dcond, tangent, x, cond):
        joined, d_joined = join_channels(x, cond), join_channels(dx, dcond)
        return self.net._jvp(d_joined, None, tangent, joined, None)

    def _check_shape(self, shape, cond_shape):
        self._expect(
            len(shape) == len(cond_shape) and shape[2:] == cond_shape[2:],
            f"a condition with the spatial shape {shape[2:]}",
            f"a condition of shape {cond_shape}",
        )
        return self.net._check_shape(
            (shape[0], shape[1] + cond_shape[1], *shape[2:]), None
        )

    def _initialize(self, x, cond):
        return self.net._initialize(join_channels(x, cond), None)
