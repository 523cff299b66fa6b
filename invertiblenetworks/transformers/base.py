"""What every transformer promises."""

from __future__ import annotations

from .._types import Array
from ..backend import get_array_module


class Transformer:
    """An elementwise bijection ``b2 = T(b; p)`` without parameters of its own.

    ``b`` has shape (N, m, *spatial), ``p`` has ``params_per_channel * m`` channels:
    first the first parameter of all channels, then the second, and so on. ``ld`` and
    ``dld`` have shape (N,). The methods mirror the hooks of ``Bijection``; the
    ``backward`` ones invert and differentiate in one go, since they share their
    intermediate results.

    Notes
    -----
    Four methods take an optional ``out``: where to write the results that have the
    shape of ``b``. These arrays may have any strides. Each may be the given array of
    its kind (``b2`` in the place of ``b``, ``db`` in that of ``db2``, and the reverse),
    or else overlaps with nothing that is given. Whoever passes ``out`` gives up ``p``
    too: it may be overwritten, and ``dp`` may be in its place, but never in that of
    another result. Without ``out`` nothing that is given is written to.

    A transformer has to accept ``out``, but may ignore it: the caller copies a result
    that is not the array that was passed.
    """

    params_per_channel: int

    def forward(
        self, b: Array, p: Array, out: Array | None = None
    ) -> tuple[Array, Array]:
        """Return (b2, ld), with ``b2`` in ``out``."""
        raise NotImplementedError

    def inverse(
        self, b2: Array, p: Array, out: Array | None = None
    ) -> tuple[Array, Array]:
        """Return (b, ld) with ld of the inverse map, and ``b`` in ``out``."""
        raise NotImplementedError

    def backward(
        self,
        db2: Array,
        dld: Array,
        b2: Array,
        p: Array,
        out: tuple[Array, Array] | None = None,
    ) -> tuple[Array, Array, Array]:
        """Return (db, dp, b), with ``(db, b)`` in ``out``."""
        raise NotImplementedError

    def backward_inv(
        self,
        db: Array,
        dld: Array,
        b: Array,
        p: Array,
        out: tuple[Array, Array] | None = None,
    ) -> tuple[Array, Array, Array]:
        """Return (db2, dp, b2), with ``(db2, b2)`` in ``out``."""
        raise NotImplementedError

    def jacobian(
        self, db: Array, dp: Array, b: Array, p: Array
    ) -> tuple[Array, Array, Array, Array]:
        """Return (db2, b2, dld, ld)."""
        raise NotImplementedError

    def jacobian_inv(
        self, db2: Array, dp: Array, b2: Array, p: Array
    ) -> tuple[Array, Array, Array, Array]:
        """Return (db, b, dld, ld)."""
        raise NotImplementedError


def given_or_new(out: Array | None, like: Array) -> Array:
    """Return ``out``, or a new array in the shape of another one."""
    return get_array_module(like).empty_like(like) if out is None else out
