"""Published memory of the Julia package and of normflows, on a GPU of 40 GB.

Glow with L=3, hidden 256, three channels, batch 8, float32. All numbers are what the
driver reported for the whole device, in GiB, so they contain some 0.5 GiB for the
runtime; parameters are subtracted from those of the Julia package over the depth.

Orozco et al. (2024), InvertibleNetworks.jl, JOSS 9(99), 6554: figures 1 and 2; the
depths of normflows are those recorded in its script ``memory_usage_normflows.py``.
"""

from __future__ import annotations

from .task import Configuration

GIB = 2**30

JULIA_OVER_SIZE = {
    64: 2.2,
    96: 2.4,
    128: 2.8,
    160: 3.2,
    192: 3.7,
    224: 4.4,
    256: 5.1,
    320: 7.0,
    384: 8.95,
    448: 11.95,
    480: 13.2,
    512: 14.5,
    1024: 38.0,
}
NORMFLOWS_OVER_SIZE = {
    64: 2.2,
    96: 3.1,
    128: 4.3,
    160: 5.9,
    192: 7.9,
    224: 10.3,
    256: 13.0,
    320: 19.9,
    384: 28.0,
    448: 37.4,
}

SIZE_OVER_DEPTH = 256
JULIA_OVER_DEPTH = {4: 5.1, 8: 5.1, 16: 5.1, 32: 5.1, 48: 5.1, 64: 5.1, 80: 5.1}
NORMFLOWS_OVER_DEPTH = {4: 5.09, 8: 7.88, 16: 13.55, 32: 24.87, 48: 36.20}


def in_inputs_over_size(curve: dict[int, float]) -> dict[int, float]:
    """Convert GiB to multiples of the bytes of the input, by image size."""
    return {size: gib * GIB / _input_bytes(size) for size, gib in curve.items()}


def in_inputs_over_depth(curve: dict[int, float]) -> dict[int, float]:
    """Convert GiB to multiples of the bytes of the input, by depth."""
    return {
        depth: gib * GIB / _input_bytes(SIZE_OVER_DEPTH) for depth, gib in curve.items()
    }


def _input_bytes(size: int) -> int:
    return Configuration("multiscale", batch=8, channels=3, size=size).input_bytes
