"""Use a bijection where a net is wanted."""

from __future__ import annotations

from ..base import Bijection, Net
from ..errors import describe, message
from ..kernels.channels import per_sample


class AsNet(Net):
    """A bijection as a net: its forward map, without the log-determinant.

    Parameters
    ----------
    layer : Bijection
        From one array to one array. If it takes a condition, so does the net.

    Notes
    -----
    What depends on data, such as the statistics of ``ActNorm``, is set by the first
    batch that reaches the layer. Gradients recompute the input from the output, as
    in a chain of bijections.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import ActNorm, AsNet, Conv, Pointwise, Sequential
    >>> net = Sequential(Conv(3, 8, 1), AsNet(ActNorm(8)), Pointwise("relu"))
    >>> x = np.random.default_rng(0).random((2, 3, 4, 4), "float32")
    >>> net.forward(x).shape
    (2, 8, 4, 4)
    """

    def __init__(self, layer: Bijection):
        if not isinstance(layer, Bijection):
            raise TypeError(message("AsNet", "a Bijection", describe(layer)))
        self.layer = layer

    @property
    def cond_kind(self) -> str:
        """The kind of condition of the layer."""
        return self.layer.cond_kind

    def _forward(self, x, cond):
        return self.layer._forward(x, cond)[0]

    def _linearize(self, x, cond):
        y, none = self._forward(x, cond), per_sample(x, 0.0)

        def pull(dy, add_grad):
            dx, _, dcond = self.layer._backward(dy, none, y, cond, add_grad)
            return dx, dcond

        return y, pull

    def _jvp(self, dx, dcond, tangent, x, cond):
        return self.layer._jacobian(dx, dcond, tangent, x, cond)[:2]

    def _check_shape(self, shape, cond_shape):
        result = self.layer._check_shape(shape, cond_shape, False)
        self._expect_array(result)
        return result

    def _initialize(self, x, cond):
        return self.layer._initialize(x, cond, False)
