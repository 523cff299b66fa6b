"""Layers on two arrays whose own public methods mix something up."""

from __future__ import annotations

from invertiblenetworks import CouplingLayerBasic
from invertiblenetworks.testing import Case

from .faults import BROKEN_LAYERS, Broken


def caught_by(*names: str):
    """Register a broken coupling of two arrays."""

    def register(kind):
        def build(f):
            options = {"k1": 1, "p1": 0, "ndims": 1, "block_activation": "tanh"}
            return kind(1, 2, **options, dtype=f.dtype, rng=f.rng)

        case = Case(kind.__name__, build, ((2, 1, 4), (2, 1, 4)))
        BROKEN_LAYERS.append(Broken(case, names))
        return kind

    return register


@caught_by("reconstruction", "vjp_matches_backward", "taylor_gradient")
class StatesBeforeGradients(CouplingLayerBasic):
    def backward(self, dy1, dy2, y1, y2, cond=None):
        dx1, dx2, x1, x2 = super().backward(dy1, dy2, y1, y2, cond)
        return x1, x2, dx1, dx2


@caught_by("dot_test", "dense_jacobian", "taylor_jvp")
class OneDirectionOnly(CouplingLayerBasic):
    def jacobian(self, dx1, dx2, dtheta, x1, x2, cond=None, dcond=None):
        return super().jacobian(dx1, 0.0 * dx1, dtheta, x1, x2, cond, dcond)


@caught_by("invertible", "reconstruction")
class ExchangedOutputs(CouplingLayerBasic):
    def forward(self, x1, x2, cond=None):
        y1, y2, *logdet = super().forward(x1, x2, cond)
        return y2, y1, *logdet
