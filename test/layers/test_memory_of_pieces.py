"""What a gradient holds beside states, on each library: its pieces decide."""

import gc
import tracemalloc

import pytest
from pool_peak import pool_peak

import invertiblenetworks as inn
from invertiblenetworks.backend import has_cuda_kernels
from invertiblenetworks.base import pieces

pytestmark = pytest.mark.kernels

SHAPE = (16, 4, 24, 24)
HIDDEN = 48
PER_SAMPLE = 4 * 2 * HIDDEN * 24 * 24
"""Bytes of the two hidden states of one sample."""


def peak(xp, compute):
    compute()
    gc.collect()
    if has_cuda_kernels(xp):
        return pool_peak(compute)
    inn.release_workspaces()
    tracemalloc.start()
    compute()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


@pytest.mark.parametrize("method", ["backward", "backward_inv"])
def test_peak_of_a_gradient(method, xp, to_xp, layer_to_xp, rng, monkeypatch):
    layer = layer_to_xp(inn.CouplingLayerGlow(4, HIDDEN, k2=1, p2=0, rng=0))
    x, dx = (to_xp(rng.standard_normal(SHAPE, "float32")) for _ in range(2))
    layer.forward(x)
    layer.clear_grad()
    getattr(layer, method)(dx, x)  # Gradients exist from here on.

    def of(n_samples):
        for limit in ("piece_bytes", "device_piece_bytes"):
            monkeypatch.setattr(pieces, limit, lambda: n_samples * PER_SAMPLE)
        return peak(xp, lambda: getattr(layer, method)(dx, x))

    peaks = {n: of(n) for n in (2, 4, 16)}
    # Tiles of compiled kernels have memory of their own, the same for all pieces.
    assert peaks[2] < 0.5 * peaks[16]
    if has_cuda_kernels(xp):
        # States and their cotangents; and for each hidden state itself and half as
        # much for cotangents and columns.
        for n in (2, 4):
            assert peaks[n] <= 5 * x.nbytes + 3 * n * PER_SAMPLE
        assert peaks[16] > 2 * 16 * PER_SAMPLE
