"""An activation as a net."""

from __future__ import annotations

from ..base import Net
from ..kernels.activation_layers import Activation, activation_by_name


class Pointwise(Net):
    """Apply an activation to every entry.

    Parameters
    ----------
    activation : Activation or str
        For instance ``"relu"`` or ``TanhLayer()``.
    """

    def __init__(self, activation: Activation | str):
        self.activation = activation_by_name(activation)

    def _linearize(self, x, cond):
        y = self.activation.forward(x)
        return y, lambda dy, add_grad: (self.activation.vjp(dy, y), None)

    def _jvp(self, dx, dcond, tangent, x, cond):
        y = self.activation.forward(x)
        return self.activation.derivative(y) * dx, y
