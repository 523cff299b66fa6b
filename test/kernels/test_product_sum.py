"""Sums of products, in whichever orientation they are computed."""

import numpy as np
import pytest

from invertiblenetworks.kernels.product_sum import ProductSum
from invertiblenetworks.kernels.workspace import scratch_matrix

SHAPES = [(2, 5), (5, 2), (3, 3), (4, 3), (3, 4), (8, 12), (12, 8), (16, 5)]


@pytest.mark.usefixtures("small_kernels")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("lengths", [(7,), (16,), (40, 40), (64, 33, 5)], ids=str)
def test_sum_of_products(shape, lengths, rng, to_xp, to_numpy):
    """Products of different lengths, as tiles have at the end of an image."""
    pairs = [[rng.standard_normal((rows, n)) for rows in shape] for n in lengths]
    total = ProductSum()
    for left, right in pairs:
        total.add(to_xp(left), to_xp(right))
    expected = sum(left @ right.T for left, right in pairs)
    np.testing.assert_allclose(
        to_numpy(total.of_shape(shape)), expected, rtol=1e-13, atol=1e-13
    )


def test_two_sums_do_not_share_memory(rng):
    a, b = rng.standard_normal((2, 4, 4))
    first, second = ProductSum(), ProductSum()
    for _ in range(2):
        first.add(a, a.T)
        second.add(b, b.T)
    np.testing.assert_allclose(first.of_shape((4, 4)), 2 * a @ a, rtol=1e-13)
    np.testing.assert_allclose(second.of_shape((4, 4)), 2 * b @ b, rtol=1e-13)


def test_rows_of_scratch_are_no_power_of_two_apart(rng):
    matrix = scratch_matrix("test", 3, 512, rng.standard_normal(1))
    assert matrix.shape == (3, 512)
    assert matrix.strides == (512 * 8 + 64, 8)
