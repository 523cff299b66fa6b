"""Cut a batch into pieces that worker threads treat apart.

A piece is some samples, or some rows of one sample. Its size bounds the memory that a
conditioner takes, and the pieces of one call are shared among the workers in a way
that depends on shapes and on the number of workers only: so do the results.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

from .._types import Array, Shape
from ..backend import get_array_module, on_host
from ..kernels import workers
from ..kernels.memory import device_piece_bytes, piece_bytes, results_of_steps
from ..kernels.workspace import passing_results
from ..parameter import AddGrad, Parameter
from .linearize import Collector

LEAST_WORK = 2**26
"""Multiplications for which it does not pay to wake another thread.

More than for a single convolution (`conv_cuts.LEAST_WORK`): between the many lines of
a net the threads wait for each other at the interpreter.
"""

LESS_FOR_SEVERAL = 2
"""How many times less memory several samples get on the CPU than a single one.

To cut a sample costs time, since neighbouring rows are computed twice; to cut a batch
between samples costs next to none.
"""

FEW_SAMPLES = 4
"""With fewer samples per worker, one sample more or less is worth cutting samples."""


@dataclasses.dataclass(frozen=True)
class Piece:
    """Some samples of a batch; of these all rows, or some of them.

    Rows are positions on the first spatial axis. A net that looks at neighbours needs
    more rows than its result is wanted on.

    Attributes
    ----------
    samples : slice
    rows : slice or None
        The rows that are wanted, or all.
    seen : slice or None
        Those with their neighbours.
    """

    samples: slice
    rows: slice | None = None
    seen: slice | None = None

    def size(self) -> int:
        """Number of rows with neighbours, of all samples."""
        n_rows = 1 if self.seen is None else self.seen.stop - self.seen.start
        return (self.samples.stop - self.samples.start) * n_rows

    def wanted(self, x: Array) -> Array:
        """View of an array of the batch on the piece."""
        return self._view(x, self.rows)

    def with_neighbours(self, x: Array) -> Array:
        """The same with the neighbouring rows."""
        return self._view(x, self.seen)

    def without_neighbours(self, x: Array) -> Array:
        """View of an array that has the neighbouring rows, without them."""
        if self.rows is None:
            return x
        start = self.rows.start - self.seen.start
        return x[:, :, start : start + self.rows.stop - self.rows.start]

    def spread(self, wanted: Array) -> Array:
        """Put an array of the wanted rows among zeros for their neighbours."""
        if self.rows is None:
            return wanted
        n_samples, n_channels, _, *rest = wanted.shape
        shape = (n_samples, n_channels, self.seen.stop - self.seen.start, *rest)
        result = get_array_module(wanted).zeros(shape, wanted.dtype)
        self.without_neighbours(result)[...] = wanted
        return result

    def _view(self, x, rows):
        return x[self.samples] if rows is None else x[self.samples, :, rows]


class WholeBatch(Piece):
    """All samples with all rows: what is written to are the arrays themselves."""

    def wanted(self, x: Array) -> Array:
        """The array."""
        return x

    without_neighbours = spread = wanted

    def with_neighbours(self, x: Array) -> Array:
        """A view, since nets are given it: one that reshapes it reshapes its own."""
        return x[:]


Shares = list[list[Piece]]
"""Pieces of a batch, one list for each worker."""


def share(net, x: Array, *, gradient: bool) -> Shares:
    """Cut a batch for a net, and share the pieces among the workers.

    Parameters
    ----------
    net : Net
        What will be evaluated.
    x : array
        Its input.
    gradient : bool
        Whether it will be linearised, which takes more memory.
    """
    shape, on_cpu = x.shape, on_host(get_array_module(x))
    whole = [[WholeBatch(slice(0, shape[0]))]]
    if not net.splits_batch:
        return whole
    room = piece_bytes() if on_cpu else device_piece_bytes()
    per_sample = max(1, net._held(shape, gradient) * x.dtype.itemsize)
    n_parts = 1  # A device shares the work of one thread among its own.
    if on_cpu and net._shares_work(x):
        room *= workers.n_workers()
    elif on_cpu:
        worth = _work(net, shape, gradient) // max(1, LEAST_WORK)
        n_parts = max(1, min(workers.n_workers(), worth))
    if net._reach() is not None and len(shape) > 2:
        uneven = shape[0] % n_parts and shape[0] < FEW_SAMPLES * n_parts
        if uneven or per_sample > room:
            n_cuts = _cuts_of_rows(net, shape, n_parts, per_sample, room)
            if n_cuts > 1:
                return _shares_of_rows(net, shape, n_parts, n_cuts)
    at_once = max(1, room // (LESS_FOR_SEVERAL if on_cpu else 1) // per_sample)
    if n_parts == 1 and shape[0] <= at_once:
        return whole
    parts = workers.even_parts(shape[0], min(n_parts, shape[0]))
    return [[Piece(samples) for samples in _runs(part, at_once)] for part in parts]


def is_one_piece(shares: Shares) -> bool:
    """True if the batch was not cut."""
    return len(shares) == 1 and len(shares[0]) == 1


def run(
    shares: Shares,
    task: Callable[[Piece, AddGrad], object],
    add_grad: AddGrad | None = None,
    *,
    passing: bool = False,
    in_place: bool = False,
) -> Results:
    """Run a task on all pieces; the parameter gradients add up in a fixed order.

    Parameters
    ----------
    shares : list of list of Piece
    task : callable
        ``task(piece, add_grad)`` returns what is wanted of a piece.
    add_grad : callable, optional
        Gets the sums of what the tasks add.
    passing : bool, default False
        Whether the task is done with results of conditioners when it returns, see
        `workspace.passing_results`. Without workers that changes nothing.
    in_place : bool, default False
        Whether nobody else holds what the tasks add, see `Net.gives_gradients_away`.

    Returns
    -------
    list of (Piece, result of the task), in order
    """
    # On one thread fresh memory is as good: what is free is used at once.
    block = passing_results if passing and len(shares) > 1 else nullcontext

    def on_piece(piece, add_grad):
        with block():
            return piece, task(piece, add_grad)

    if is_one_piece(shares):
        return Results([[on_piece(*shares[0], add_grad)]])
    collectors = [Collector() for _ in shares]

    def work(pieces, collector):
        step = partial(on_piece, add_grad=collector)
        return results_of_steps(pieces, step, Piece.size)

    results = workers.run(
        [
            lambda pieces=pieces, collector=collector: work(pieces, collector)
            for pieces, collector in zip(shares, collectors, strict=True)
        ]
    )
    for parameter, total in _totals(collectors, in_place):
        add_grad(parameter, total)
    return Results(results)


class Results(list):
    """Pairs of pieces and results.

    Each share is kept as it came: where memory is planned, it holds what stands for
    the results of pieces that were left out.
    """

    def __init__(self, shares: list[list]):
        super().__init__(itertools.chain.from_iterable(shares))
        self._shares = shares


def _totals(
    collectors: list[Collector], in_place: bool
) -> list[tuple[Parameter, Array]]:
    first, *others = collectors
    for other in others:
        first.merge(other, in_place)
    return first.items()


def _work(net, shape: Shape, gradient: bool) -> int:
    """About the multiplications of one evaluation, or of one with its gradient."""
    n_evaluations = 3 if gradient else 1
    return n_evaluations * shape[0] * math.prod(shape[2:]) * net._n_weights()


def _runs(part: slice, at_once: int) -> list[slice]:
    """Cut a part into as few even runs as ``at_once`` allows."""
    length = part.stop - part.start
    runs = workers.even_parts(length, -(-length // at_once))
    return [slice(part.start + run.start, part.start + run.stop) for run in runs]


def _cuts_of_rows(net, shape, n_parts, per_sample, room) -> int:
    """How many pieces to make of the rows of each sample.

    All samples alike, so that each worker gets the same number of pieces; but not so
    many that neighbouring rows are most of the work.
    """
    step = n_parts // math.gcd(shape[0], n_parts)
    n_cuts = -(-per_sample // room)
    n_cuts = -(-n_cuts // step) * step
    return min(n_cuts, shape[2] // max(1, 4 * net._reach()))


def _shares_of_rows(net, shape, n_parts, n_cuts) -> Shares:
    n_samples, n_rows, reach = shape[0], shape[2], net._reach()
    pieces = [
        Piece(slice(i, i + 1), rows, _with_reach(rows, reach, n_rows))
        for i in range(n_samples)
        for rows in workers.even_parts(n_rows, n_cuts)
    ]
    parts = workers.even_parts(len(pieces), min(n_parts, len(pieces)))
    return [pieces[part] for part in parts]


def _with_reach(rows: slice, reach: int, n_rows: int) -> slice:
    return slice(max(0, rows.start - reach), min(n_rows, rows.stop + reach))
