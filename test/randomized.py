"""Layers with parameters at which nothing is special."""

from __future__ import annotations


def randomized(layer, rng, size=0.3):
    """Move all parameters of a layer on the host at random, and return the layer.

    Couplings start as the identity, where many mistakes do not show.
    """
    for p in layer.get_params():
        if p.initialized:
            p.data += size * rng.normal(size=p.shape).astype(p.dtype)
    return layer
