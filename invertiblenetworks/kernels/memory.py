"""How much memory a kernel may take for what it need not take."""

from __future__ import annotations

from contextvars import ContextVar

PIECE_BYTES = 2**25
"""Bytes that one worker holds of hidden states, unless limited."""

_piece_bytes: ContextVar[int] = ContextVar("piece_bytes", default=PIECE_BYTES)


def piece_bytes() -> int:
    """Bytes of hidden states that one worker may hold."""
    return _piece_bytes.get()


DEVICE_PIECE_BYTES = 2**30
"""The same on a device, where larger products pay and memory is not in pages."""


def device_piece_bytes() -> int:
    """Bytes of hidden states that a piece may hold on a device."""
    return min(DEVICE_PIECE_BYTES, piece_bytes() * (DEVICE_PIECE_BYTES // PIECE_BYTES))
