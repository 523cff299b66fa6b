"""``Coupling``: transform one part given the other. Every coupling of the papers."""

from __future__ import annotations

import inspect

from ..base import Bijection, Net, kept, pieces
from ..base.linearize import zeros_like
from ..compose import ChannelSplit, PairSplit
from ..errors import describe, message
from ..kernels.channels import per_sample
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
    also feeds its gradient. With ``KeptStates`` it uses the one of ``forward``.
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
        for method in ("forward", "inverse", "backward", "backward_inv"):
            parameters = inspect.signature(getattr(transformer, method)).parameters
            wanted, got = "a transformer that accepts out", f"{method}{parameters}"
            if "out" not in parameters:
                raise TypeError(message(type(self).__name__, wanted, got))
        self.net, self.transformer, self.split = net, transformer, split
        self.logdet = logdet

    @property
    def cond_kind(self) -> str:
        """The kind of condition of the conditioner."""
        return self.net.cond_kind

    def _forward(self, x, cond):
        return self._apply(self.transformer.forward, x, cond, False)

    def _inverse(self, y, cond):
        return self._apply(self.transformer.inverse, y, cond, True)

    def _apply(self, rule, x, cond, inverse):
        b, a = self.split.cut(x)
        y, (b_out, a_out) = self.split.empty_like(x)
        ld, net = per_sample(b, 0.0), self.net._prepared(a)
        keeps = kept.begin(self, inverse, x, self._least_bytes(a))
        # What is kept must not change with x, nor hold all of it.
        a = a.copy() if keeps else a
        passing = net.gives_result_away and not keeps

        def on_piece(piece, _):
            out, seen = piece.wanted(b_out), self._seen(piece, a, cond)
            p, pull = net._linearize(*seen) if keeps else (net._forward(*seen), None)
            own = piece.without_neighbours(p)
            # A rule that is told where to write may overwrite p.
            place = out if passing else None
            value, part_of_ld = rule(piece.wanted(b), own, out=place)
            put(value, out)
            put(piece.wanted(a), piece.wanted(a_out))
            return part_of_ld, (p, pull) if keeps else None

        shares = pieces.share(net, a, gradient=keeps)
        with kept.paused():
            results = pieces.run(shares, on_piece, passing=passing)
        for piece, (part_of_ld, _) in results:
            ld[piece.samples] += part_of_ld
        if keeps:
            states = [(piece, state) for piece, (_, state) in results]
            kept.add(shares, states, known=(self.net, cond))
        return y, ld

    def _least_bytes(self, a):
        """Bytes that a linearisation is known to hold."""
        return len(a) * self.net._held(a.shape, True) * a.dtype.itemsize

    def _backward(self, dy, dld, y, cond, add_grad):
        rule = self.transformer.backward
        return self._adjoint(rule, dy, dld, y, cond, add_grad, False)

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        rule = self.transformer.backward_inv
        return self._adjoint(rule, dx, dld, x, cond, add_grad, True)

    def _adjoint(self, rule, dy, dld, y, cond, add_grad, inverse):
        (db, da), (b, a) = self.split.cut(dy), self.split.cut(y)
        dx, (db_out, da_out) = self.split.empty_like(dy)
        x, (b_out, a_out) = self.split.empty_like(y)
        dcond = zeros_like(cond) if self.cond_kind == "array" else None
        shares, linearized = self._linearized(y, a, cond, inverse)
        passing = self.net.gives_result_away

        def on_piece(piece, add_grad):
            wanted = piece.wanted
            p, pull = linearized(piece)
            out, own = (wanted(db_out), wanted(b_out)), piece.without_neighbours(p)
            place = out if passing else None
            db_new, dp, b_new = rule(
                wanted(db), dld[piece.samples], wanted(b), own, out=place
            )
            put(db_new, out[0])
            put(b_new, out[1])
            put(wanted(a), wanted(a_out))
            put(wanted(da), wanted(da_out))
            return pull(piece.spread(dp), add_grad)

        with kept.paused():
            own = self.net.gives_gradients_away
            results = pieces.run(
                shares, on_piece, add_grad, passing=passing, in_place=own
            )
        # Only here, one after the other: rows of neighbouring pieces overlap.
        for piece, (da_net, dcond_net) in results:
            da_seen = piece.with_neighbours(da_out)
            da_seen += da_net
            if dcond is not None:
                dcond_seen = piece.with_neighbours(dcond)
                dcond_seen += dcond_net
        return dx, x, dcond

    def _linearized(self, y, a, cond, inverse):
        """Return the pieces, and a function that returns (p, pull) of one of them."""
        states = kept.take(self, inverse, y)
        if states is not None:
            return states.shares, states.pop
        net = self.net._prepared(a)

        def linearized(piece):
            return net._linearize(*self._seen(piece, a, cond))

        return pieces.share(net, a, gradient=True), linearized

    def _seen(self, piece, a, cond):
        """Arguments of the net on a piece."""
        if self.cond_kind == "array":
            cond = piece.with_neighbours(cond)
        return piece.with_neighbours(a), cond

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
        (n_samples, n_active, *spatial), passive = self.split.cut_shape(shape)
        if passive[1] == 0:
            wanted = f"more channels than the {n_active} active ones"
            self._refuse(wanted, _in_words(shape))
        result = self.net._check_shape(passive, cond_shape)
        per_channel = self.transformer.params_per_channel
        parameters = (n_samples, per_channel * n_active, *spatial)
        if result != parameters:
            self._refuse(
                f"a conditioner that returns parameters of shape {parameters}, "
                f"{per_channel} for each of {n_active} active channels",
                f"one that returns shape {result} for a passive part of {passive}",
                own_hint="A net of your own says what it returns in _check_shape.",
            )
        return shape

    def _initialize(self, x, cond, inverse):
        with kept.paused():
            if not self.net.initialized:
                self.net._initialize(self.split.cut(x)[1], cond)
            return super()._initialize(x, cond, inverse)


def _in_words(shape) -> str:
    return f"{'shapes' if isinstance(shape[0], tuple) else 'shape'} {shape}"


def put(value, place) -> None:
    """Copy, unless the value was computed in its place."""
    if value is not place:
        place[...] = value
