"""A small inverse problem, and networks that are ready for it."""

from __future__ import annotations

import numpy as np
from randomized import randomized

N_SAMPLES, N_DATA, SPATIAL, N_PIXELS = 2, 6, (3, 4), 12
ONE_TAP = dict(k1=1, k2=1, p2=0, s1=1)
SMOOTH = dict(block_activation="tanh", dtype="float64", rng=0, **ONE_TAP)


def problem(rng, spatial=SPATIAL):
    """Return a state of 1 + 2 channels, data, and a matrix of norm about 1."""
    n_pixels = int(np.prod(spatial))
    A = rng.normal(size=(N_DATA, n_pixels)) / np.sqrt(n_pixels)
    d = rng.normal(size=(N_SAMPLES, N_DATA))
    eta = rng.normal(size=(N_SAMPLES, 1, *spatial))
    s = rng.normal(size=(N_SAMPLES, 2, *spatial))
    return eta, s, d, A


def ready(net, rng, *arguments):
    """Randomise a network, and let the first batch set what depends on data."""
    randomized(net, rng).initialize(*arguments)
    return net
