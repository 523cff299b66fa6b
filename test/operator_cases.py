"""What the tests of linear operators share: layers, points, dense matrices."""

import numpy as np
from scipy.sparse.linalg import LinearOperator

from invertiblenetworks import (
    ActNorm,
    Chain,
    ConcatCond,
    Coupling,
    CouplingLayerBasic,
    CouplingLayerGlow,
    NetworkGlow,
    PairChain,
    ResidualBlock,
    Split,
    Swap,
    reverse,
)
from invertiblenetworks.compose import ChannelSplit
from invertiblenetworks.transformers import AffineTransformer

SMOOTH = {"block_activation": "tanh", "dtype": "float64", "rng": 1}


def conditional_coupling():
    net = ResidualBlock(3, 4, n_out=4, fan=True, activation="tanh", dtype="float64")
    return Coupling(ConcatCond(net), AffineTransformer(), ChannelSplit(2))


def conditional_net():
    return ConcatCond(ResidualBlock(3, 4, activation="tanh", dtype="float64"))


# name: (constructor, shape of x, shape of the condition)
CASES = {
    "actnorm": (lambda: ActNorm(2, dtype="float64"), (3, 2, 2, 2), None),
    "glow": (
        lambda: NetworkGlow(1, 3, 2, 2, split_scales=True, **SMOOTH),
        (2, 1, 4, 4),
        None,
    ),
    "reversed": (
        lambda: reverse(CouplingLayerGlow(3, 4, ndims=1, **SMOOTH)),
        (2, 3, 4),
        None,
    ),
    "pair": (
        lambda: PairChain(CouplingLayerBasic(2, 3, **SMOOTH), Swap()),
        ((2, 2, 2, 3), (2, 2, 2, 3)),
        None,
    ),
    "to pair": (lambda: Chain(ActNorm(3, dtype="float64"), Split(1)), (2, 3, 2), None),
    "conditional": (conditional_coupling, (2, 3, 2, 2), (2, 2, 2, 2)),
    "net": (
        lambda: ResidualBlock(2, 3, activation="tanh", dtype="float64", rng=1),
        (2, 2, 3, 3),
        None,
    ),
    "conditional net": (conditional_net, (2, 2, 2, 2), (2, 1, 2, 2)),
}


def draw(rng, shape, to_xp):
    if isinstance(shape[0], tuple):
        return tuple(draw(rng, part, to_xp) for part in shape)
    return to_xp(rng.normal(size=shape))


def build(name, rng, to_xp, layer_to_xp):
    """Return a layer with random parameters, a point and a condition."""
    constructor, shape, cond_shape = CASES[name]
    layer = layer_to_xp(constructor())
    for p in layer.get_params():
        # Vectors may be scales, which must stay away from zero.
        low, high = (0.3, 0.9) if len(p.shape) == 1 else (-0.4, 0.4)
        p.set(to_xp(rng.uniform(low, high, size=p.shape)))
    cond = None if cond_shape is None else draw(rng, cond_shape, to_xp)
    return layer, draw(rng, shape, to_xp), cond


def parts(x):
    return x if isinstance(x, tuple) else (x,)


def point_of(layer, x, cond, inverse):
    """Where the operator is taken: x, or with ``inverse`` its image."""
    return layer._forward(x, cond)[0] if inverse else x


def moved(layer, x, dx, dtheta, step):
    """Move the parameters of ``layer`` along ``dtheta``, and return x moved."""
    if dtheta is not None:
        for p, d in zip(layer.get_params(), dtheta, strict=True):
            p.data += step * d
    if dx is None:
        return x
    result = tuple(a + step * b for a, b in zip(parts(x), parts(dx), strict=True))
    return result if isinstance(x, tuple) else result[0]


def on_host(operator, xp, to_xp, to_numpy):
    """The operator for SciPy's solvers, which take NumPy vectors only."""
    if xp is np:
        return operator
    return LinearOperator(
        operator.shape,
        matvec=lambda v: to_numpy(operator.matvec(to_xp(v))),
        rmatvec=lambda v: to_numpy(operator.rmatvec(to_xp(v))),
        dtype=operator.dtype,
    )


def dense(operator, to_xp, to_numpy):
    columns = [operator.matvec(to_xp(e)) for e in np.eye(operator.shape[1])]
    return np.stack([to_numpy(column) for column in columns], axis=1)
