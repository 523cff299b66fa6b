"""Feed a condition to a net by joining it to the input."""

from __future__ import annotations

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
