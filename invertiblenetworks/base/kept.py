"""``KeptStates``: what gradients need, kept from the forward pass where memory allows.

Without it a step costs four evaluations of each conditioner: one in ``forward``, one
in ``backward`` to recompute the hidden states, and two for the gradient itself. With
it three. What is kept lives in an object of the caller; a layer has nothing of it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .._types import Array
from ..backend import is_gpu
from ..errors import describe, message
from ..kernels.memory import as_bytes
from ..kernels.workspace import fitting_leases, release_own_workspaces
from .checks import parts_of
from .fingerprint import Fingerprint
from .held_bytes import held_bytes
from .layer import Layer
from .pieces import Piece, Shares

State = tuple[Array, Callable]
"""Parameters of a transformer, and the function that pulls their cotangent back."""


class KeptStates:
    """Hidden states that ``forward`` keeps for the ``backward`` that follows.

    Parameters
    ----------
    limit : float or str, optional
        Bytes to keep at most, or a text such as ``"200 MiB"``. By default everything is
        kept.

    Attributes
    ----------
    limit : float
        Infinite if there is none.

    Raises
    ------
    ValueError, TypeError
        If the limit is no number of bytes.

    Notes
    -----
    A step with everything kept costs three evaluations of each conditioner instead of
    four, and memory that grows with depth. ``backward`` still recomputes the states of
    the network from its output, which is cheap; so it returns what it would return
    without, up to rounding. The same holds for ``inverse`` and ``backward_inv``, and
    for ``adjoint_jacobian`` in the place of ``backward``.

    With a limit the couplings that came last are kept: those from before are dropped,
    earliest first, and recomputed as usual. ``backward`` needs the last ones first, so
    that all is free again when the first hidden states are recomputed. In networks of
    several scales the last ones are also those that save the most work per byte. What
    the coupling at hand needs comes on top of the limit, as it does without.

    What was recorded belongs to one call and is used once, last first. ``backward``
    must be called on what was called, with its result. On the CPU that of another batch
    is refused: if a number that is looked at, of a few in each sample, is off by more
    than the sum of a tenth of the largest number of its sample and a thousandth of
    that of the batch. All is then still kept, until ``clear``. In between, parameters
    and condition must stay as they are: this is not checked, and the gradient would be
    wrong.

    Couplings of which nothing was kept are recomputed as usual. Nothing is kept or used
    by ``jacobian``, by a net that is called by itself, and within `memory_limit`.

    Each thread, and each asynchronous task, has its own recording; one object serves
    one of them at a time. Memory that is let go goes back to the workspace of the
    package, where the next step finds it.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import KeptStates, NetworkGlow
    >>> net = NetworkGlow(4, 8, L=1, K=2, rng=0)
    >>> x = np.random.default_rng(0).random((2, 4, 8, 8), "float32")
    >>> kept = KeptStates(limit="1 GB")
    >>> with kept.recording():
    ...     z, logdet = net.forward(x)
    >>> len(kept), 0 < kept.nbytes <= kept.limit
    (2, True)
    >>> with kept.replaying():
    ...     dx, x_again = net.backward(z / len(z), z)
    >>> len(kept), kept.nbytes
    (0, 0)
    """

    def __init__(self, limit: float | str | None = None):
        unlimited = limit is None
        self.limit = math.inf if unlimited else as_bytes(limit, "KeptStates", least=0)
        self._in_use = threading.Lock()
        self._entries: list[_Entry] = []
        self._calls: list[_Call] = []

    def __len__(self) -> int:
        """Number of evaluations of couplings that are kept."""
        return sum(entry.states is not None for entry in self._entries)

    def __bool__(self) -> bool:
        return True  # also while nothing is kept

    def __repr__(self) -> str:
        size, most = self.nbytes / 2**20, ""
        if self.limit < math.inf:
            most = f" of at most {self.limit / 2**20:.1f}"
        return f"<KeptStates: {size:.1f}{most} MiB, {len(self)} evaluations>"

    @property
    def nbytes(self) -> int:
        """Bytes held: hidden states, inputs of conditioners and their results."""
        return sum(entry.n_bytes for entry in self._entries)

    def clear(self) -> None:
        """Let go of everything."""
        self._entries.clear()
        self._calls.clear()

    @contextmanager
    def recording(self) -> Iterator[KeptStates]:
        """Let calls inside of the block keep what their gradients need.

        What was kept before is dropped; after an error nothing is kept.

        Raises
        ------
        RuntimeError
            If it is in use already, by this thread or another one.
        """
        with self._used_alone("recording"):
            self.clear()
            try:
                with _mode("recording", self), fitting_leases():
                    yield self
            except BaseException:
                self.clear()
                raise

    @contextmanager
    def replaying(self) -> Iterator[KeptStates]:
        """Let gradients inside of the block use what was kept, and free it.

        Raises
        ------
        ValueError
            From the gradient before it works, if its arrays do not fit those that were
            recorded, or, on the CPU, are the result of another batch.
        RuntimeError
            If it is in use already, by this thread or another one.
        """
        with self._used_alone("replaying"), _mode("replaying", self):
            yield self

    @contextmanager
    def _used_alone(self, method: str) -> Iterator[None]:
        if not self._in_use.acquire(blocking=False):
            wanted = "that no other block uses the same object"
            hint = "Make one KeptStates for each thread."
            where = f"KeptStates.{method}"
            raise RuntimeError(message(where, wanted, "one in use", hint))
        try:
            yield
        finally:
            self._in_use.release()

    def _make_room(self, last: _Entry) -> None:
        """Keep the limit: drop what came first, or the last if it alone is over it."""
        if last.n_bytes > self.limit:
            last.drop()
        excess = self.nbytes - self.limit
        if excess <= 0:
            return
        for entry in self._entries:
            if excess <= 0:
                break
            excess -= entry.n_bytes
            entry.drop()
        # Else the memory of a fine scale would go to the next, smaller one and be kept.
        release_own_workspaces()


class _Entry:
    """One evaluation of a coupling. Without states it only marks the place.

    Marks are needed where a layer is used several times: what belongs to one use must
    not be taken for another one.
    """

    def __init__(self, layer: Layer, inverse: bool, x):
        self.layer, self.inverse, self.kind = layer, inverse, _kind(x)
        self.states: dict[int, State] | None = None
        self.shares: Shares = []
        self.known: tuple = ()
        self._counted: int | None = None

    @property
    def n_bytes(self) -> int:
        """Bytes held. Counted when they are asked for, which takes a while."""
        if self.states is None:
            return 0
        if self._counted is None:
            self._counted = held_bytes(list(self.states.values()), self.known)
        return self._counted

    def pop(self, piece: Piece) -> State:
        """Hand out what is kept of a piece. Worker threads call it."""
        return self.states.pop(id(piece))

    def drop(self) -> None:
        self.states, self.shares, self.known = None, [], ()


class _Call:
    """A public call that was recorded, to be recognised by a few of its numbers."""

    def __init__(self, layer: Layer, inverse: bool, y):
        self.layer, self.inverse, self.kind = layer, inverse, _kind(y)
        self.fingerprint = Fingerprint(y)


_active: ContextVar[tuple[str, KeptStates | None]] = ContextVar(
    "kept_states", default=("", None)
)


@contextmanager
def _mode(name: str, kept: KeptStates | None) -> Iterator[None]:
    token = _active.set((name, kept))
    try:
        yield
    finally:
        _active.reset(token)


def paused():
    """Context in which nothing is kept and nothing is used.

    For couplings inside of a conditioner, whose gradient is part of what is kept.
    """
    return _mode("", None)


# --- for public calls -----------------------------------------------------------------


def note_result(layer: Layer, inverse: bool, y) -> None:
    """Remember what a call returned whose hidden states are kept."""
    mode, kept = _active.get()
    if mode == "recording":
        kept._calls.append(_Call(layer, inverse, y))


def expect_result(layer: Layer, inverse: bool, y) -> None:
    """Raise if a gradient is not asked for at the result that was recorded.

    What is not the gradient of a recorded call passes.
    """
    mode, kept = _active.get()
    if mode != "replaying":
        return
    for i in reversed(range(len(kept._calls))):
        call = kept._calls[i]
        if call.layer is layer and call.inverse == inverse:
            _expect_same_kind(call, y)
            if not call.fingerprint.fits(y):
                wanted = "the result of the batch that was recorded"
                raise ValueError(message(_where(call), wanted, "another one", _HINT))
            del kept._calls[i]
            return


# --- for the layer --------------------------------------------------------------------
# A layer calls these on the thread of the caller: worker threads know of no recording.


def begin(layer: Layer, inverse: bool, x, least_bytes: int) -> bool:
    """Return whether to keep what the layer is about to evaluate.

    Parameters
    ----------
    layer : Layer
        Who asks. It adds what it has if the answer is yes.
    inverse : bool
        Whether its inverse map is evaluated.
    x : array or pair of array
        Its argument.
    least_bytes : int
        What it is known to need. If that is over the limit, it is not worth a try.
    """
    mode, kept = _active.get()
    if mode != "recording":
        return False
    kept._entries.append(_Entry(layer, inverse, x))
    return least_bytes <= kept.limit


def add(shares: Shares, states: list[tuple[Piece, State]], known: tuple) -> None:
    """Keep what the layer that asked last has evaluated, if there is room for it.

    Parameters
    ----------
    shares : list of list of Piece
        The pieces of the batch, by worker.
    states : list of (Piece, State)
        What belongs to each of them.
    known : tuple
        Objects whose arrays are there anyway, such as parameters.
    """
    kept = _active.get()[1]
    entry = kept._entries[-1]
    entry.states = {id(piece): state for piece, state in states}
    entry.shares, entry.known = shares, known
    if kept.limit < math.inf:
        kept._make_room(entry)


def take(layer: Layer, inverse: bool, y) -> _Entry | None:
    """Return what was kept of the last use of a layer, which is then no longer kept.

    ``y`` is the result of the map that was recorded. Returns None where there is
    nothing to replay.

    Raises
    ------
    ValueError
        If the result does not fit what was recorded; then it is still kept.
    """
    mode, kept = _active.get()
    if mode != "replaying":
        return None
    for i in reversed(range(len(kept._entries))):
        entry = kept._entries[i]
        if entry.layer is layer and entry.inverse == inverse:
            _expect_same_kind(entry, y)
            del kept._entries[i]
            return None if entry.states is None else entry
    return None


def _kind(x) -> list[tuple]:
    """What arrays have to have in common with those that were recorded."""
    return [(part.shape, part.dtype, is_gpu(part)) for part in parts_of(x)]


def _expect_same_kind(recorded: _Entry | _Call, y) -> None:
    if recorded.kind == _kind(y):
        return
    arrays = " and ".join(f"{dtype} {shape}" for shape, dtype, _ in recorded.kind)
    wanted = f"arrays like those that were recorded, {arrays}"
    raise ValueError(message(_where(recorded), wanted, describe(y), _HINT))


_HINT = "Replay the call that was recorded, or leave the block of replaying()."


def _where(recorded: _Entry | _Call) -> str:
    method = "backward_inv" if recorded.inverse else "backward"
    return f"{type(recorded.layer).__name__}.{method}"
