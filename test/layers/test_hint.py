"""Facts about the recursive coupling beyond the contract."""

from collections import defaultdict

import numpy as np
import pytest
from randomized import randomized

from invertiblenetworks import Conv1x1, Coupling, CouplingLayerHINT, OnPart, reverse
from invertiblenetworks.testing import dense_matrix

SHARED_SIZES = (8, 12, 16)


def hint(n_in, rng, **options):
    options = {"dtype": "float64", "rng": 0, "block_activation": "tanh", **options}
    return randomized(CouplingLayerHINT(n_in, 4, **options), rng)


def couple(coupling, first, second):
    """One level by its formula, with the sigmoid of the original: (b', log det)."""
    n = second.shape[1]
    p = coupling.net.forward(first)
    scale = 1.0 / (1.0 + np.exp(-p[:, :n]))
    return scale * second + p[:, n:], np.log(scale).sum(axis=(1, 2, 3))


def test_recursion_written_out_for_eight_channels(rng):
    layer = hint(8, rng, activation="sigmoid", logdet=True)
    inside, top, same = layer.layers
    (lower,) = inside.layer.layers
    assert same.layer is inside.layer
    x = rng.normal(size=(3, 8, 4, 4))
    a, b = x[:, :4], x[:, 4:]
    t, ld_b = couple(lower, b[:, :2], b[:, 2:])
    b_new, ld_top = couple(top, a, np.concatenate([b[:, :2], t], axis=1))
    a_new, ld_a = couple(lower, a[:, :2], a[:, 2:])
    y, logdet = layer.forward(x)
    wanted = np.concatenate([a[:, :2], a_new, b_new], axis=1)
    np.testing.assert_allclose(y, wanted, rtol=1e-13)
    np.testing.assert_allclose(layer.log_abs_det(x), ld_a + ld_b + ld_top, rtol=1e-13)
    np.testing.assert_allclose(logdet, (ld_a + ld_b + ld_top).mean(), rtol=1e-13)


def couplings_side_by_side(layer, other):
    """Yield the couplings at the same places of two recursions built alike."""
    for one, two in zip(layer.layers, other.layers, strict=True):
        if isinstance(one, Coupling):
            yield one, two
        elif isinstance(one, OnPart):
            yield from couplings_side_by_side(one.layer, two.layer)


@pytest.mark.parametrize("n_in", SHARED_SIZES)
@pytest.mark.parametrize("mode", ["backward", "backward_inv"])
def test_shared_couplings_get_the_gradients_of_all_branches(
    n_in, mode, rng, to_xp, to_numpy, layer_to_xp
):
    shared = hint(n_in, rng, logdet=True)
    separate = CouplingLayerHINT(
        n_in, 4, logdet=True, shared=False, block_activation="tanh", dtype="float64"
    )
    branches = defaultdict(list)
    for one, two in couplings_side_by_side(shared, separate):
        two.set_params([p.data for p in one.get_params()])
        for p, q in zip(one.get_params(), two.get_params(), strict=True):
            branches[p].append(q)
    assert set(branches) == set(shared.get_params())
    levels = len(shared.get_params()) // 5
    uses = [len(qs) for qs in branches.values()]
    assert sorted(uses) == sorted(2**j for j in range(levels) for _ in range(5))
    shared, separate = layer_to_xp(shared), layer_to_xp(separate)
    dy, y = to_xp(rng.normal(size=(2, 2, n_in, 3, 3)))
    dx, _ = getattr(shared, mode)(dy, y)
    wanted, _ = getattr(separate, mode)(dy, y)
    np.testing.assert_allclose(to_numpy(dx), to_numpy(wanted), rtol=1e-11, atol=1e-12)
    for p, qs in branches.items():
        parts = [to_numpy(q.grad) for q in qs]
        assert all(np.linalg.norm(part) > 0 for part in parts)
        np.testing.assert_allclose(to_numpy(p.grad), sum(parts), rtol=1e-10, atol=1e-12)


def test_permutations(rng):
    x = rng.normal(size=(2, 6, 3, 3))
    for permute in ("full", "both", "lower"):
        layer = hint(6, rng, permute=permute)
        first, *rest = layer.layers
        plain = CouplingLayerHINT(6, 4, block_activation="tanh", dtype="float64")
        inner = rest[:-1] if permute == "both" else rest
        for part, wanted in zip(plain.layers, inner, strict=True):
            part.set_params([p.data for p in wanted.get_params()])
        if permute == "lower":
            conv = first.layer
            mixed = np.concatenate([x[:, :3], conv.forward(x[:, 3:])], axis=1)
        else:
            conv = first
            mixed = conv.forward(x)
        assert isinstance(conv, Conv1x1)
        y = plain.forward(mixed)
        if permute == "both":
            assert reverse(layer.layers[-1]) is conv
            y = conv.inverse(y)
        np.testing.assert_allclose(layer.forward(x), y, rtol=1e-12, atol=1e-13)


def test_odd_channels_are_cut_unevenly(rng):
    layer = hint(7, rng)
    below, top, above = layer.layers
    assert (below.split.k, top.split.k, above.split.k) == (3, 3, 3)
    # Three and four channels cannot share a coupling.
    assert below.layer is not above.layer
    x = rng.normal(size=(2, 7, 3, 3))
    y = layer.forward(x)
    np.testing.assert_array_equal(y[:, 0], x[:, 0])
    assert abs(y[:, 1:] - x[:, 1:]).max() > 0.1


def groups(n):
    """Number of the group of each channel; inside a group there is no coupling."""
    first, second = n // 2, n - n // 2
    if n <= 4:
        return [0] * first + [1] * second
    below = groups(first)
    return below + [below[-1] + 1 + g for g in groups(second)]


@pytest.mark.parametrize("n_in", [2, 4, 5, 7, 8, 12, 16])
def test_jacobian_is_triangular_with_a_dense_lower_triangle(n_in, rng):
    layer = hint(n_in, rng, k1=1, p1=0, k2=1, p2=0)
    x = rng.normal(size=(1, n_in, 1, 1))
    matrix = dense_matrix(lambda dx: layer.jacobian(dx, None, x)[0], x)
    group = np.array(groups(n_in))
    depends = group[:, None] > group[None, :]
    np.fill_diagonal(depends, True)
    np.testing.assert_array_equal(matrix != 0, depends)
    np.testing.assert_allclose(
        np.log(np.diag(matrix)).sum(), layer.log_abs_det(x)[0], rtol=1e-12
    )


def depth(layer):
    inside = [part.layer for part in layer.layers if isinstance(part, OnPart)]
    return 1 + max(map(depth, inside), default=0)


@pytest.mark.parametrize(("n_in", "levels"), [(2, 1), (4, 1), (8, 2), (16, 3), (32, 4)])
def test_levels(n_in, levels):
    layer = CouplingLayerHINT(n_in, 2)
    assert depth(layer) == levels
    assert len(layer.get_params()) == 5 * levels


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="CouplingLayerHINT: expected n_in of at"):
        CouplingLayerHINT(1, 4)
    with pytest.raises(ValueError, match="CouplingLayerHINT: expected permute"):
        CouplingLayerHINT(4, 4, permute="upper")
