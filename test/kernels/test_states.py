"""Parts of states."""

import numpy as np
import pytest

from invertiblenetworks.kernels.states import (
    cat_states,
    split_states,
    tensor_cat,
    tensor_split,
)


@pytest.mark.parametrize(("c", "first"), [(1, 0), (3, 2), (5, 2), (7, 4), (9, 4)])
def test_halves_are_rounded_to_even(c, first, rng, to_xp, to_numpy):
    x = rng.normal(size=(2, c, 3))
    a, b = tensor_split(to_xp(x))
    assert a.shape[1] == first
    np.testing.assert_array_equal(to_numpy(tensor_cat(a, b)), x)


def test_split_index_is_checked(to_xp):
    assert tensor_split(to_xp(np.ones((1, 4))), 3)[0].shape == (1, 3)
    with pytest.raises(ValueError, match="split_index from 0 to 4, got 5"):
        tensor_split(to_xp(np.ones((1, 4))), 5)


@pytest.mark.parametrize("n_scales", [1, 2, 3])
def test_states_return_from_their_vector(n_scales, rng, to_xp, to_numpy):
    shapes = [(2, 2, 8, 8), (2, 4, 4, 4)][: max(n_scales - 1, 1)]
    n, c, *spatial = shapes[-1]
    last = shapes[-1] if n_scales == 1 else (n, 4 * c, *(s // 2 for s in spatial))
    states = [to_xp(rng.normal(size=shape)) for shape in [*shapes, last]]
    vector = cat_states(states[:-1], states[-1])
    assert to_numpy(vector)[0] == to_numpy(states[0]).ravel()[0]
    saved, x = split_states(vector, shapes, L_net=n_scales)
    for found, wanted in zip([*saved, x], states, strict=True):
        np.testing.assert_array_equal(to_numpy(found), to_numpy(wanted))


def test_vector_of_another_size(to_xp):
    with pytest.raises(ValueError, match="split_states: expected a vector of 16"):
        split_states(to_xp(np.ones(15)), [(1, 2, 2, 2)])


def test_states_of_two_lanes(rng, to_xp, to_numpy):
    shapes = [(2, 2, 8, 8), (2, 8, 4, 4)]
    (z1, z2), (x1, x2) = (
        [to_xp(rng.normal(size=shape)) for _ in range(2)] for shape in shapes
    )
    vectors = cat_states([(z1, z2)], (x1, x2))
    assert [v.shape for v in vectors] == [(512,), (512,)]
    ((found1, found2),), (last1, last2) = split_states(vectors, shapes[:1])
    pairs = ((found1, z1), (found2, z2), (last1, x1), (last2, x2))
    for found, wanted in pairs:
        np.testing.assert_array_equal(to_numpy(found), to_numpy(wanted))
