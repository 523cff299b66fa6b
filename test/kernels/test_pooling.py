"""Facts about sums over blocks of pixels."""

import numpy as np
import pytest

from invertiblenetworks.kernels.pooling import repeat_pixels, sum_blocks

BLOCKS = [(2,), (3, 2), (1, 2, 2), (1, 1)]


@pytest.mark.parametrize("block", BLOCKS)
def test_against_loops(rng, block):
    few = tuple(range(2, 2 + len(block)))
    many = tuple(n * size for n, size in zip(few, block, strict=True))
    x, small = rng.normal(size=(2, 3, *many)), rng.normal(size=(2, 3, *few))
    summed, repeated = np.zeros_like(small), np.zeros_like(x)
    for pixel in np.ndindex(many):
        owner = tuple(i // size for i, size in zip(pixel, block, strict=True))
        summed[(..., *owner)] += x[(..., *pixel)]
        repeated[(..., *pixel)] = small[(..., *owner)]
    np.testing.assert_allclose(sum_blocks(x, block), summed, atol=1e-14)
    np.testing.assert_array_equal(repeat_pixels(small, block), repeated)


def test_repeated_pixels_may_be_written_to():
    assert repeat_pixels(np.ones((1, 1, 2, 2)), (1, 1)).flags.writeable
