"""``reverse(layer)``: the inverse map as a layer of its own, sharing parameters."""

from __future__ import annotations

from ..base import Bijection, InverseProblemMixin, PairMixin
from ..errors import describe, message
from .lane_y import LaneYMixin


class Reverse(Bijection):
    """The inverse of a bijection: every mode is exchanged with its twin.

    Parameters
    ----------
    layer : Bijection
        The layer to look at from the other side. It is not copied: training the
        reversed layer trains the layer.

    Notes
    -----
    ``Reverse(f).forward(y)`` with ``f.logdet`` returns the log-determinant of the
    inverse map. The original copies the layer, and leaves ``jacobian`` and
    ``backward_inv`` unreversed; here all modes are exchanged.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import ActNorm, reverse
    >>> layer = ActNorm(2, logdet=True)
    >>> y, logdet = layer.forward(np.random.rand(4, 2, 3, 3).astype("float32"))
    >>> x, logdet_inverse = reverse(layer).forward(y)
    >>> bool(np.isclose(logdet, -logdet_inverse))
    True
    """

    def __init__(self, layer: Bijection):
        if not isinstance(layer, Bijection):
            raise TypeError(message("reverse", "a bijection", describe(layer)))
        self.layer = layer

    @property
    def logdet(self) -> bool:
        """The option of the layer behind."""
        return self.layer.logdet

    @property
    def cond_kind(self) -> str:
        """The kind of condition of the layer behind."""
        return self.layer.cond_kind

    def _forward(self, x, cond):
        return self.layer._inverse(x, cond)

    def _inverse(self, y, cond):
        return self.layer._forward(y, cond)

    def _backward(self, dy, dld, y, cond, add_grad):
        return self.layer._backward_inv(dy, dld, y, cond, add_grad)

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        return self.layer._backward(dx, dld, x, cond, add_grad)

    def _jacobian(self, dx, dcond, tangent, x, cond):
        return self.layer._jacobian_inv(dx, dcond, tangent, x, cond)

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        return self.layer._jacobian(dy, dcond, tangent, y, cond)

    def _check_shape(self, shape, cond_shape, inverse):
        return self.layer._check_shape(shape, cond_shape, not inverse)

    def _initialize(self, x, cond, inverse):
        return self.layer._initialize(x, cond, not inverse)


class PairReverse(PairMixin, Reverse):
    """The inverse of a bijection on two arrays."""


class InverseProblemReverse(InverseProblemMixin, Reverse):
    """The inverse of a bijection on two arrays, given data and an operator."""


class LaneYReverse(LaneYMixin, PairReverse):
    """The inverse of a network whose second lane does not see the first."""

    @property
    def lane_y(self) -> Bijection:
        """The inverse of lane Y."""
        return reverse(self.layer.lane_y)


def reverse(layer: Bijection) -> Bijection:
    """Return the inverse of ``layer`` as a layer that shares its parameters.

    Reversing twice gives back the layer itself.
    """
    if isinstance(layer, Reverse):
        return layer.layer
    if isinstance(layer, LaneYMixin):
        return LaneYReverse(layer)
    if isinstance(layer, InverseProblemMixin):
        return InverseProblemReverse(layer)
    return PairReverse(layer) if isinstance(layer, PairMixin) else Reverse(layer)
