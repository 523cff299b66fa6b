"""Small work that threads share all the same, so that tests see what they do."""

from invertiblenetworks.base import pieces
from invertiblenetworks.kernels import conv_cuts, workers


def share_all_work(monkeypatch):
    """Let no work be too small for several threads."""
    monkeypatch.setattr(pieces, "LEAST_WORK", 1)
    monkeypatch.setattr(conv_cuts, "LEAST_WORK", 1)
    monkeypatch.setattr(workers, "LEAST_NUMBERS", 1)
    monkeypatch.setattr(workers, "LEAST_MULTIPLICATIONS", 1)
