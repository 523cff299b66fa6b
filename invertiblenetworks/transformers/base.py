"""What every transformer promises."""

from __future__ import annotations


class Transformer:
    """An elementwise bijection ``b2 = T(b; p)`` without parameters of its own.

    ``b`` has shape (N, m, *spatial), ``p`` has ``params_per_channel * m`` channels:
    first the first parameter of all channels, then the second, and so on. ``ld`` and
    ``dld`` have shape (N,). The methods mirror the hooks of ``Bijection``; the
    ``backward`` ones invert and differentiate in one go, since they share their
    intermediate results.
    """

    params_per_channel: int

    def forward(self, b, p):
        """Return (b2, ld)."""
        raise NotImplementedError

    def inverse(self, b2, p):
        """Return (b, ld) with ld of the inverse map."""
        raise NotImplementedError

    def backward(self, db2, dld, b2, p):
        """Return (db, dp, b)."""
        raise NotImplementedError

    def backward_inv(self, db, dld, b, p):
        """Return (db2, dp, b2)."""
        raise NotImplementedError

    def jacobian(self, db, dp, b, p):
        """Return (db2, b2, dld, ld)."""
        raise NotImplementedError

    def jacobian_inv(self, db2, dp, b2, p):
        """Return (db, b, dld, ld)."""
        raise NotImplementedError
