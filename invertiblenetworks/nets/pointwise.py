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

    _is_per_sample = True

    def __init__(self, activation: Activation | str):
        self.activation = activation_by_name(activation, "Pointwise")

    def _forward(self, x, cond):
        return self.activation.forward(x)

    def _linearize(self, x, cond):
        y = self.activation.forward(x)
        # A gate needs its input for its derivative, everything else its output.
        kept = x if self.activation.halves_channels else y
        return y, lambda dy, add_grad: (self.activation.vjp(dy, kept), None)

    def _jvp(self, dx, dcond, tangent, x, cond):
        y = self.activation.forward(x)
        if self.activation.halves_channels:
            return self.activation.jvp(dx, x), y
        return self.activation.derivative(y) * dx, y

    def _check_shape(self, shape, cond_shape):
        if not self.activation.halves_channels:
            return shape
        found = f"an array of shape {shape}"
        self._expect(shape[1] % 2 == 0, "an even number of channels", found)
        return (shape[0], shape[1] // 2, *shape[2:])
