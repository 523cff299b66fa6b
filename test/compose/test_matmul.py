"""``f @ g``, and the original's name for a composition."""

import numpy as np
import pytest
from randomized import randomized

from invertiblenetworks import (
    ActNorm,
    ComposedInvertibleNetwork,
    Composition,
    Conv1x1,
    CouplingLayerBasic,
    CouplingLayerHINT,
    PairChain,
    ResidualBlock,
)


def test_the_last_factor_is_applied_first(rng, to_xp, to_numpy, layer_to_xp):
    f, g = Conv1x1(3, dtype="float64", rng=0), ActNorm(3, dtype="float64")
    x = to_xp(rng.normal(size=(2, 3, 4)))
    net = layer_to_xp(f @ g)
    assert type(net) is Composition
    assert net.layers == [g, f]
    y = to_numpy(net.forward(x))
    by_hand = to_numpy(f.forward(g.forward(x)))
    np.testing.assert_allclose(y, by_hand, rtol=1e-12, atol=1e-14)


def test_products_may_be_bracketed_in_any_way(rng):
    f, g, h = (
        randomized(CouplingLayerHINT(4, 3, permute="full", dtype="float64", rng=i), rng)
        for i in range(3)
    )
    x = rng.normal(size=(2, 4, 3, 3))
    wanted = Composition(f, g, h).forward(x)
    np.testing.assert_allclose((f @ g @ h).forward(x), wanted, rtol=1e-13)
    np.testing.assert_allclose((f @ (g @ h)).forward(x), wanted, rtol=1e-13)


def test_log_determinants_add_if_any_factor_returns_its_own(rng):
    f, g = ActNorm(2, logdet=True, dtype="float64"), ActNorm(2, dtype="float64")
    x = rng.normal(size=(3, 2, 4))
    _, logdet = (f @ g).forward(x)
    of_f, of_g = f.log_abs_det(g.forward(x)).mean(), g.log_abs_det(x).mean()
    np.testing.assert_allclose(logdet, of_f + of_g, rtol=1e-13)
    assert not (g @ g).logdet


def test_product_of_layers_on_pairs(rng):
    f, g = (
        randomized(CouplingLayerBasic(2, 3, dtype="float64", rng=i), rng)
        for i in range(2)
    )
    x1, x2 = rng.normal(size=(2, 4, 2, 3, 3))
    net = f @ g
    assert type(net) is PairChain
    found, wanted = net.forward(x1, x2), f.forward(*g.forward(x1, x2))
    np.testing.assert_allclose(found, wanted, rtol=1e-13)


def test_only_bijections_have_products():
    block = ResidualBlock(2, 3)
    for other in (block, 2.0):
        with pytest.raises(TypeError):
            ActNorm(2) @ other


def test_name_of_the_original():
    assert ComposedInvertibleNetwork is Composition
