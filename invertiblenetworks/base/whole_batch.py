"""Evaluate a net on a whole batch, with the pieces of it at the same time.

For nets that are called by themselves. A coupling cuts the batch on its own, since its
formulas are applied to the pieces, too; within one of them nothing is cut again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .._types import Array
from ..backend import get_array_module
from .linearize import zeros_like
from .net import Net
from .pieces import Piece, Shares, run, share


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
    shares = share(net, x, gradient=False)
    if _is_one(shares):
        return forward(net, x)
    prepared = net._prepared(x)

    def on_piece(piece, _):
        return piece.without_neighbours(forward(prepared, piece.with_neighbours(x)))

    return _joined(run(shares, on_piece), x)


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
    shares = share(net, x, gradient=True)
    if _is_one(shares):
        return linearize(net, x)
    prepared = net._prepared(x)
    results = run(
        shares, lambda piece, _: linearize(prepared, piece.with_neighbours(x))
    )

    def pull(dy, add_grad):
        states = {id(piece): state for piece, state in results}

        def on_piece(piece, add_grad):
            y_seen, pull_piece = states[id(piece)]
            return pull_piece(piece.spread(piece.wanted(dy), y_seen), add_grad)[0]

        dx = zeros_like(x)
        # Only here, one after the other: rows of neighbouring pieces overlap.
        for piece, dx_piece in run(shares, on_piece, add_grad):
            dx_seen = piece.with_neighbours(dx)
            dx_seen += dx_piece
        return dx, None

    parts = ((piece, piece.without_neighbours(y)) for piece, (y, _) in results)
    return _joined(parts, x), pull


def _is_one(shares: Shares) -> bool:
    return len(shares) == 1 and len(shares[0]) == 1


def _joined(parts: Iterable[tuple[Piece, Array]], x: Array) -> Array:
    """Put the results of pieces together; where rows were cut, the size is kept."""
    y = None
    for piece, part in parts:
        if y is None:
            spatial = part.shape[2:] if piece.rows is None else x.shape[2:]
            shape = (len(x), part.shape[1], *spatial)
            y = get_array_module(part).empty(shape, part.dtype)
        piece.wanted(y)[...] = part
    return y
