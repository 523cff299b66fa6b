"""``Coupling``: transform one part given the other. Every coupling of the papers."""

from __future__ import annotations

from ..base import Bijection, Net
from ..compose import ChannelSplit, PairSplit
from ..errors import describe, message
from ..transformers import Transformer


class Coupling(Bijection):
    """Coupling ``(a, b) -> (a, T(b; net(a)))``.

    Parameters
    ----------
    net : Net
        The conditioner: from the passive part (and a condition) to the parameters of
        the transformer.
    transformer : Transformer
        The elementwise map of the active part.
    split : ChannelSplit or PairSplit
        Which part is active.
    logdet : bool, default False
        As for every layer.

    Notes
    -----
    ``backward`` evaluates the conditioner once: the evaluation that inverts the layer
    also feeds its gradient.
    """

    def __init__(
        self,
        net: Net,
        transformer: Transformer,
        split: ChannelSplit | PairSplit,
        *,
        logdet: bool = False,
    ):
        if not isinstance(net, Net):
            wanted = "a Net as conditioner"
            raise TypeError(message(type(self).__name__, wanted, describe(net)))
        fits = isinstance(transformer, Transformer)
        if not fits or not isinstance(split, ChannelSplit | PairSplit):
            wanted = "a Transformer, and a ChannelSplit or PairSplit"
            got = f"{describe(transformer)} and {describe(split)}"
            raise TypeError(message(type(self).__name__, wanted, got))
        self.net, self.transformer, self.split = net, transformer, split
        self.logdet = logdet

    @property
    def cond_kind(self) -> str:
        """The kind of condition of the conditioner."""
        return self.net.cond_kind

    def _forward(self, x, cond):
        b, a = self.split.cut(x)
        b, ld = self.transformer.forward(b, self.net._forward(a, cond))
        return self.split.join(b, a), ld

    def _inverse(self, y, cond):
        b, a = self.split.cut(y)
        b, ld = self.transformer.inverse(b, self.net._forward(a, cond))
        return self.split.join(b, a), ld

    def _backward(self, dy, dld, y, cond, add_grad):
        return self._adjoint(self.transformer.backward, dy, dld, y, cond, add_grad)

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        return self._adjoint(self.transformer.backward_inv, dx, dld, x, cond, add_grad)

    def _adjoint(self, rule, dy, dld, y, cond, add_grad):
        (db, da), (b, a) = self.split.cut(dy), self.split.cut(y)
        p, pull = self.net._linearize(a, cond)
        db, dp, b = rule(db, dld, b, p)
        da_net, dcond = pull(dp, add_grad)
        return self.split.join(db, da + da_net), self.split.join(b, a), dcond

    def _jacobian(self, dx, dcond, tangent, x, cond):
        return self._tangent(self.transformer.jacobian, dx, dcond, tangent, x, cond)

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        rule = self.transformer.jacobian_inv
        return self._tangent(rule, dy, dcond, tangent, y, cond)

    def _tangent(self, rule, dx, dcond, tangent, x, cond):
        (db, da), (b, a) = self.split.cut(dx), self.split.cut(x)
        dp, p = self.net._jvp(da, dcond, tangent, a, cond)
        db, b, dld, ld = rule(db, dp, b, p)
        return self.split.join(db, da), self.split.join(b, a), dld, ld

    def _check_shape(self, shape, cond_shape, inverse):
        if self.split.takes_pair:
            self._expect_pair(shape)
        else:
            self._expect_array(shape)
        active, passive = self.split.cut_shape(shape)
        found = f"shapes {shape}" if isinstance(shape[0], tuple) else f"shape {shape}"
        self._expect(passive[1] > 0, "more channels than the active ones", found)
        result = self.net._check_shape(passive, cond_shape)
        wanted = (active[0], self.transformer.params_per_channel * active[1])
        self._expect(
            result == (*wanted, *active[2:]),
            f"an active part to which parameters of shape {result} fit",
            found,
        )
        return shape

    def _initialize(self, x, cond, inverse):
        if not self.net.initialized:
            self.net._initialize(self.split.cut(x)[1], cond)
        return super()._initialize(x, cond, inverse)
