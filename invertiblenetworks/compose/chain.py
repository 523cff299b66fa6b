"""``Chain``: one bijection after the other, at memory that does not grow with depth.

The six loops here are the only loops over bijections in the package. The backward
loop keeps one state: each layer recomputes its input from its output, which becomes
the output of the layer before.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from ..base import Bijection, PairMixin
from ..errors import message
from ..kernels.channels import per_sample


def add_or_none(a, b):
    """Sum in which ``None`` stands for zero."""
    if a is None or b is None:
        return a if b is None else b
    return a + b


def common_cond_kind(where: str, layers) -> str:
    """Kind of condition of a composition; kinds with and without gradient exclude."""
    kinds = {layer.cond_kind for layer in layers} - {"none"}
    if len(kinds) > 1:
        raise TypeError(
            message(
                where,
                "layers with one kind of condition",
                "an array and a context condition",
            )
        )
    return kinds.pop() if kinds else "none"


def folded_layers(chain: Chain) -> list[Bijection]:
    """The layers of a chain as they are run.

    Chains inside are opened, and neighbours that can be one layer are folded.
    """
    found: list[Bijection] = []
    for layer in _leaves(chain):
        folded = found[-1]._folded_with(layer) if found else None
        if folded is None:
            found.append(layer)
        else:
            found[-1] = folded
    return found


def _leaves(chain: Chain) -> Iterator[Bijection]:
    for layer in chain.layers:
        if isinstance(layer, Chain) and _is_plain(type(layer)):
            yield from _leaves(layer)
        else:
            yield layer


@functools.cache
def _is_plain(kind: type[Chain]) -> bool:
    """True if a kind of chain has the loops of `Chain` itself."""
    hooks = ("_forward", "_inverse", "_backward", "_backward_inv")
    hooks += ("_jacobian", "_jacobian_inv")
    return all(getattr(kind, hook) is getattr(Chain, hook) for hook in hooks)


class Chain(Bijection):
    """Apply layers in the order given: ``Chain(f, g)`` is ``g`` after ``f``.

    Parameters
    ----------
    *layers : Bijection
        The layers, first applied first. The same layer may stand several times; its
        gradients add up.
    logdet : bool, default False
        Return the summed log-determinant from ``forward`` and include ``- logdet``
        in gradients.

    Raises
    ------
    TypeError
        If an entry is no bijection, or layers with array and context conditions are
        mixed.

    Notes
    -----
    Memory of ``backward``: one state and its gradient, and what the most demanding
    layer needs for itself, whatever the number of layers.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import ActNorm, Chain, Conv1x1
    >>> flow = Chain(ActNorm(4), Conv1x1(4), logdet=True)
    >>> y, logdet = flow.forward(np.random.rand(8, 4, 6, 6).astype("float32"))
    >>> y.shape
    (8, 4, 6, 6)
    """

    def __init__(self, *layers: Bijection, logdet: bool = False):
        where = type(self).__name__
        for layer in layers:
            if not isinstance(layer, Bijection):
                got = type(layer).__name__
                raise TypeError(message(where, "bijections", got))
        self.layers = list(layers)
        self.logdet = logdet
        self.cond_kind = common_cond_kind(where, layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __bool__(self) -> bool:
        return True  # also without layers, where it is the identity

    def __getitem__(self, index: int) -> Bijection:
        return self.layers[index]

    def __iter__(self) -> Iterator[Bijection]:
        return iter(self.layers)

    def _forward(self, x, cond):
        total = per_sample(x, 0.0)
        for layer in folded_layers(self):
            x, ld = layer._forward(x, cond)
            total = total + ld
        return x, total

    def _inverse(self, y, cond):
        total = per_sample(y, 0.0)
        for layer in reversed(folded_layers(self)):
            y, ld = layer._inverse(y, cond)
            total = total + ld
        return y, total

    def _backward(self, dy, dld, y, cond, add_grad):
        dcond = None
        for layer in reversed(folded_layers(self)):
            dy, y, dc = layer._backward(dy, dld, y, cond, add_grad)
            dcond = add_or_none(dcond, dc)
        return dy, y, dcond

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        dcond = None
        for layer in folded_layers(self):
            dx, x, dc = layer._backward_inv(dx, dld, x, cond, add_grad)
            dcond = add_or_none(dcond, dc)
        return dx, x, dcond

    def _jacobian(self, dx, dcond, tangent, x, cond):
        dtotal, total = per_sample(x, 0.0), per_sample(x, 0.0)
        for layer in folded_layers(self):
            dx, x, dld, ld = layer._jacobian(dx, dcond, tangent, x, cond)
            dtotal, total = dtotal + dld, total + ld
        return dx, x, dtotal, total

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        dtotal, total = per_sample(y, 0.0), per_sample(y, 0.0)
        for layer in reversed(folded_layers(self)):
            dy, y, dld, ld = layer._jacobian_inv(dy, dcond, tangent, y, cond)
            dtotal, total = dtotal + dld, total + ld
        return dy, y, dtotal, total

    def _check_shape(self, shape, cond_shape, inverse):
        for layer in reversed(self.layers) if inverse else self.layers:
            shape = layer._check_shape(shape, cond_shape, inverse)
        return shape

    def _initialize(self, x, cond, inverse):
        for layer in reversed(self.layers) if inverse else self.layers:
            x = layer._initialize(x, cond, inverse)
        return x


class PairChain(PairMixin, Chain):
    """A chain of layers that act on two arrays."""


class Composition(Chain):
    """Compose as in mathematics: the last argument is applied first.

    ``f @ g`` is short for ``Composition(f, g)``; of two layers on pairs it is a
    ``PairChain``.

    Parameters
    ----------
    *layers : Bijection
        ``Composition(f, g)`` maps x to f(g(x)). On pairs use ``PairChain``.
    logdet : bool, optional
        As for ``Chain``; by default true if any layer has it.

    Examples
    --------
    >>> from invertiblenetworks import ActNorm, Composition, Conv1x1
    >>> Composition(Conv1x1(4), ActNorm(4)).layers[0]
    <ActNorm with 8 parameters>
    """

    def __init__(self, *layers: Bijection, logdet: bool | None = None):
        if logdet is None:
            logdet = any(getattr(layer, "logdet", False) for layer in layers)
        super().__init__(*reversed(layers), logdet=logdet)


ComposedInvertibleNetwork = Composition
"""The name of the original for ``Composition``."""


def _compose(outer: Bijection, inner: Bijection) -> Chain:
    """Return ``outer @ inner``, the map that applies ``inner`` first."""
    if not isinstance(inner, Bijection):
        return NotImplemented
    if isinstance(outer, PairMixin) and isinstance(inner, PairMixin):
        return PairChain(inner, outer, logdet=inner.logdet or outer.logdet)
    return Composition(outer, inner)


# Here and not in the class: what a layer promises is known without compositions, and
# ``base`` imports nothing from above it.
Bijection.__matmul__ = _compose
