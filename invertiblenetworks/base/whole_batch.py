"""Evaluate a net on a whole batch, with the pieces of it at the same time.

For nets that are called by themselves. A coupling cuts the batch on its own, since its
formulas are applied to the pieces, too; within one of them nothing is cut again.
"""

from __future__ import annotations

from collections.abc import Callable

from .._types import Array
from ..backend import get_array_module
from .linearize import zeros_like
from .net import Net
from .pieces import is_one_piece, run, share


def forward_in_pieces(
    net: Net, x: Array, forward: Callable[[Net, Array], Array]
) -> Array:
    """Return y.

    Parameters
    ----------
    net : Net
        Without a condition.
    x : array
    forward : callable
        ``forward(net, x)`` evaluates a part; it gets the net as it was prepared.
    """
    prepared = net._prepared(x)
    shares = share(prepared, x, gradient=False)
    if is_one_piece(shares):
        return forward(prepared, x)
    y = _result(net, x)

    def on_piece(piece, _):
        part = forward(prepared, piece.with_neighbours(x))
        piece.wanted(y)[...] = piece.without_neighbours(part)

    run(shares, on_piece, passing=True)
    return y


def linearize_in_pieces(
    net: Net, x: Array, linearize: Callable[[Net, Array], tuple[Array, Callable]]
) -> tuple[Array, Callable]:
    """Return (y, pull), as ``Net._linearize`` does.

    Parameters
    ----------
    net, x
        As for `forward_in_pieces`.
    linearize : callable
        ``linearize(net, x)`` returns (y, pull) of a part.
    """
    prepared = net._prepared(x)
    shares = share(prepared, x, gradient=True)
    if is_one_piece(shares):
        return linearize(prepared, x)
    y = _result(net, x)

    def on_piece(piece, _):
        part, pull_piece = linearize(prepared, piece.with_neighbours(x))
        piece.wanted(y)[...] = piece.without_neighbours(part)
        return pull_piece

    pulls = run(shares, on_piece)

    def pull(dy, add_grad):
        by_piece = {id(piece): pull_piece for piece, pull_piece in pulls}

        def on_piece(piece, add_grad):
            return by_piece[id(piece)](piece.spread(piece.wanted(dy)), add_grad)[0]

        dx = zeros_like(x)
        # Only here, one after the other: rows of neighbouring pieces overlap.
        own = net.gives_gradients_away
        found = run(shares, on_piece, add_grad, passing=True, in_place=own)
        for piece, dx_piece in found:
            dx_seen = piece.with_neighbours(dx)
            dx_seen += dx_piece
        return dx, None

    return y, pull


def _result(net: Net, x: Array) -> Array:
    """Room for y, of which each piece writes a part."""
    return get_array_module(x).empty(net._check_shape(x.shape, None), x.dtype)
