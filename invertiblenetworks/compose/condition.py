"""``WithCondition``: send the condition through a map before the layer sees it."""

from __future__ import annotations

from ..base import Bijection, Net
from ..errors import describe, message
from ..kernels.channels import per_sample


class WithCondition(Bijection):
    """Use ``f(x, m(cond))``, with gradients through ``m``.

    Parameters
    ----------
    layer : Bijection
        The conditional layer ``f``.
    transform : Net or Bijection
        The map ``m`` of the condition: a squeeze, an ``ActNorm``, a summary network.
    logdet : bool, optional
        By default that of ``layer``. The log-determinant of ``m`` plays no part.

    Raises
    ------
    TypeError
        If ``layer`` takes no array as condition.
    """

    cond_kind = "array"

    def __init__(
        self,
        layer: Bijection,
        transform: Net | Bijection,
        *,
        logdet: bool | None = None,
    ):
        kind = getattr(layer, "cond_kind", None)
        plain = getattr(transform, "cond_kind", None) == "none"
        if kind != "array" or not isinstance(transform, Net | Bijection) or not plain:
            raise TypeError(
                message(
                    "WithCondition",
                    "a layer with an array as condition, and a map without",
                    f"{describe(layer)} and {describe(transform)}",
                )
            )
        self.layer, self.transform = layer, transform
        self.logdet = layer.logdet if logdet is None else logdet

    def _map(self, cond):
        if isinstance(self.transform, Net):
            return self.transform._forward(cond, None)
        return self.transform._forward(cond, None)[0]

    def _map_tangent(self, dcond, tangent, cond):
        """Return (derivative, value) of the mapped condition."""
        if isinstance(self.transform, Net):
            return self.transform._jvp(dcond, None, tangent, cond, None)
        return self.transform._jacobian(dcond, None, tangent, cond, None)[:2]

    def _linearize(self, cond):
        """Return the mapped condition and the function that pulls back through m."""
        if isinstance(self.transform, Net):
            mapped, pull = self.transform._linearize(cond, None)
            return mapped, lambda d, add_grad: pull(d, add_grad)[0]
        mapped = self.transform._forward(cond, None)[0]
        none = per_sample(cond, 0.0)

        def pull(d, add_grad):
            return self.transform._backward(d, none, mapped, None, add_grad)[0]

        return mapped, pull

    def _forward(self, x, cond):
        return self.layer._forward(x, self._map(cond))

    def _inverse(self, y, cond):
        return self.layer._inverse(y, self._map(cond))

    def _backward(self, dy, dld, y, cond, add_grad):
        mapped, pull = self._linearize(cond)
        dx, x, dcond = self.layer._backward(dy, dld, y, mapped, add_grad)
        return dx, x, pull(dcond, add_grad)

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        mapped, pull = self._linearize(cond)
        dy, y, dcond = self.layer._backward_inv(dx, dld, x, mapped, add_grad)
        return dy, y, pull(dcond, add_grad)

    def _jacobian(self, dx, dcond, tangent, x, cond):
        dmapped, mapped = self._map_tangent(dcond, tangent, cond)
        return self.layer._jacobian(dx, dmapped, tangent, x, mapped)

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        dmapped, mapped = self._map_tangent(dcond, tangent, cond)
        return self.layer._jacobian_inv(dy, dmapped, tangent, y, mapped)

    def _check_shape(self, shape, cond_shape, inverse):
        if isinstance(self.transform, Net):
            mapped = self.transform._check_shape(cond_shape, None)
        else:
            mapped = self.transform._check_shape(cond_shape, None, False)
        return self.layer._check_shape(shape, mapped, inverse)

    def _initialize(self, x, cond, inverse):
        if isinstance(self.transform, Net):
            mapped = self.transform._initialize(cond, None)
        else:
            mapped = self.transform._initialize(cond, None, False)
        return self.layer._initialize(x, mapped, inverse)
