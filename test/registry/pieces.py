"""Small layers for the cases: smooth, and with everything drawn."""

from __future__ import annotations

import invertiblenetworks as inn
from invertiblenetworks.compose import ChannelSplit

ANY_CHANNELS = {"bad_arguments:channels": "takes any number of channels"}

SHAPES = {"0-D": (3, 3), "1-D": (2, 3, 4), "2-D": (2, 3, 2, 3), "3-D": (2, 3, 2, 1, 2)}
SPATIAL = [name for name in SHAPES if name != "0-D"]
EVEN = {"1-D": (2, 2, 4), "2-D": (2, 1, 2, 4), "3-D": (2, 1, 2, 4, 2)}
"""Shapes that can be squeezed once, wavelets of four taps included."""

ONE_TAP = {"k1": 1, "p1": 0, "k2": 1, "p2": 0}


def ndims(name: str) -> int:
    return int(name[0])


def drawn(f):
    return {"dtype": f.dtype, "rng": f.rng}


def actnorm(f, n_channels):
    return inn.ActNorm(n_channels, dtype=f.dtype)


def conv1x1(f, n_channels, **options):
    return inn.Conv1x1(n_channels, **options, **drawn(f))


def block(f, n_in, n_out, **options):
    options = {**ONE_TAP, "activation": "tanh", "fan": True, **options}
    return inn.ResidualBlock(n_in, 2, n_out=n_out, **options, **drawn(f))


def basic(f, n_in=1, **options):
    options = {**ONE_TAP, "block_activation": "tanh", **options}
    return inn.CouplingLayerBasic(n_in, 2, **options, **drawn(f))


def glow_step(f, n_in, **options):
    options = {**ONE_TAP, "block_activation": "tanh", **options}
    return inn.CouplingLayerGlow(n_in, 2, **options, **drawn(f))


def glow(f, n_in, **options):
    options = {"L": 1, "K": 2, **ONE_TAP, "block_activation": "tanh", **options}
    return inn.NetworkGlow(n_in, 2, **options, **drawn(f))


def coupling(f, n_passive, n_active, split, **options):
    net = block(f, n_passive, 2 * n_active, **options)
    return inn.Coupling(net, inn.AffineTransformer(), split)


def conditional(f, n_cond, **options):
    """Coupling of two channels, one of them active, given a condition."""
    net = inn.ConcatCond(block(f, 1 + n_cond, 2, **options))
    return inn.Coupling(net, inn.AffineTransformer(), ChannelSplit(1))
