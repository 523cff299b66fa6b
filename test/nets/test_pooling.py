"""Facts about changes of resolution and about summaries of sets."""

import numpy as np
import pytest

from invertiblenetworks import (
    AveragePool,
    ConcatCond,
    Coupling,
    ResidualBlock,
    SetSummary,
    SpatialMean,
    Upsample,
    WeightedMean,
    WithCondition,
)
from invertiblenetworks.compose import ChannelSplit
from invertiblenetworks.transformers import AffineTransformer


def test_average_undoes_repetition(rng):
    x = rng.normal(size=(2, 3, 2, 3))
    for factor in (1, 2, (3, 1)):
        y = Upsample(factor).forward(x)
        np.testing.assert_allclose(AveragePool(factor).forward(y), x, atol=1e-14)


def test_adjoints_differ_by_the_size_of_a_block(rng):
    x, dy = rng.normal(size=(1, 1, 2, 2)), rng.normal(size=(1, 1, 4, 6))
    averaged = AveragePool((2, 3)).forward(dy)
    np.testing.assert_allclose(Upsample((2, 3)).backward(dy, x), 6 * averaged)
    repeated = Upsample((2, 3)).forward(x)
    np.testing.assert_allclose(AveragePool((2, 3)).backward(x, dy), repeated / 6)


def test_shapes_are_checked():
    x = np.ones((1, 1, 4, 3))
    with pytest.raises(ValueError, match="spatial sizes divisible by 2"):
        AveragePool(2).forward(x)
    with pytest.raises(ValueError, match="expected 1 spatial axes"):
        Upsample((2,)).forward(x)
    for net in (AveragePool(2), Upsample(2), SpatialMean()):
        with pytest.raises(ValueError, match="spatial ax"):
            net.forward(np.ones((2, 3)))
    with pytest.raises(ValueError, match="factor to be a positive integer"):
        Upsample(0)


def test_summary_of_a_set_of_any_size_in_any_order(rng):
    net = SetSummary(3, 5, 4, dtype="float64", rng=0)
    sets = rng.normal(size=(2, 3, 7))
    shuffled = sets[:, :, rng.permutation(7)]
    np.testing.assert_allclose(net.forward(shuffled), net.forward(sets), atol=1e-13)
    twice = np.concatenate([sets, sets], axis=2)
    np.testing.assert_allclose(net.forward(twice), net.forward(sets), atol=1e-13)
    assert not np.allclose(net.forward(sets), net.forward(sets + 1.0))


def test_sets_of_different_sizes_in_one_batch(rng):
    net = SetSummary(3, 5, 4, masked=True, dtype="float64", rng=0)
    sizes, longest = (2, 7, 5), 7
    batch = np.full((3, 4, longest), 1e3)  # What fills up must not matter.
    batch[:, 3] = 0.0
    sets = [rng.normal(size=(3, size)) for size in sizes]
    for row, members in zip(batch, sets, strict=True):
        row[:3, : members.shape[1]] = members
        row[3, : members.shape[1]] = 1.0
    together = net.forward(batch)
    for i, members in enumerate(sets):
        alone = np.concatenate([members, np.ones((1, members.shape[1]))])[None]
        np.testing.assert_allclose(together[i], net.forward(alone)[0], rtol=1e-12)
    d_batch = net.backward(together, batch)
    for row, size in zip(d_batch, sizes, strict=True):
        np.testing.assert_array_equal(row[:3, size:], 0.0)
        assert abs(row[:3, :size]).min() > 0


def test_weighted_mean_needs_values_and_weights(rng):
    with pytest.raises(ValueError, match="two channels or more"):
        WeightedMean().forward(rng.normal(size=(2, 1, 3)))
    with pytest.raises(ValueError, match="at least one spatial axis"):
        WeightedMean().forward(rng.normal(size=(2, 3)))


@pytest.mark.parametrize("ndims", [0, 1, 2, 3])
def test_summary_conditions_a_flow(rng, ndims):
    ones = (1,) * ndims
    conditioner = ResidualBlock(
        5, 3, n_out=2, fan=True, zero=False, ndims=ndims, dtype="float64", rng=0
    )
    coupling = Coupling(ConcatCond(conditioner), AffineTransformer(), ChannelSplit(1))
    summary = SetSummary(3, 5, 4, ndims=ndims, dtype="float64", rng=0)
    flow = WithCondition(coupling, summary)
    x, sets = rng.normal(size=(2, 2, *ones)), rng.normal(size=(2, 3, 7))
    y = flow.forward(x, sets)
    assert y.shape == x.shape
    _, _, d_sets = flow.backward(y, y, sets)
    assert d_sets.shape == sets.shape
    assert all(np.abs(p.grad).max() > 0 for p in summary.get_params())
