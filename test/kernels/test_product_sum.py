"""Sums of products, in whichever orientation they are computed."""

import numpy as np
import pytest

from invertiblenetworks.kernels.product_sum import ProductSum
from invertiblenetworks.kernels.workspace import scratch_matrix


@pytest.mark.parametrize("shape", [(2, 5), (5, 2), (3, 3)], ids=str)
@pytest.mark.parametrize("number", [1, 3])
def test_sum_of_products(shape, number, rng, to_xp, to_numpy):
    n, m = shape
    pairs = [
        (rng.standard_normal((n, 7)), rng.standard_normal((7, m)))
        for _ in range(number)
    ]
    total = ProductSum()
    for left, right in pairs:
        total.add(to_xp(left), to_xp(right))
    expected = sum(left @ right for left, right in pairs)
    np.testing.assert_allclose(to_numpy(total.of_shape(shape)), expected, rtol=1e-13)


def test_two_sums_do_not_share_memory(rng):
    a, b = rng.standard_normal((2, 4, 4))
    first, second = ProductSum(), ProductSum()
    for _ in range(2):
        first.add(a, a)
        second.add(b, b)
    np.testing.assert_allclose(first.of_shape((4, 4)), 2 * a @ a, rtol=1e-13)
    np.testing.assert_allclose(second.of_shape((4, 4)), 2 * b @ b, rtol=1e-13)


def test_rows_of_scratch_are_no_power_of_two_apart(rng):
    matrix = scratch_matrix("test", 3, 512, rng.standard_normal(1))
    assert matrix.shape == (3, 512)
    assert matrix.strides == (512 * 8 + 64, 8)
