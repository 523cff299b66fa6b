"""The layout of patches in the pictures."""

import numpy as np
import pytest

from invertiblenetworks.demo.pictures import mosaic


def test_mosaic_lays_patches_out_in_rows(rng):
    patches = rng.random((6, 1, 4, 5))
    picture = mosaic(patches, 3, gap=2)
    assert picture.shape == (2 * 6 - 2, 3 * 7 - 2)
    for n in range(6):
        row, column = divmod(n, 3)
        part = picture[6 * row : 6 * row + 4, 7 * column : 7 * column + 5]
        np.testing.assert_array_equal(part, patches[n, 0])
    assert (picture[4:6] == 1).all()
    assert (picture[:, 5:7] == 1).all()


def test_mosaic_clips():
    patches = np.array([-1.0, 2.0]).reshape(2, 1, 1, 1)
    assert mosaic(patches, 2, gap=1).tolist() == [[0.0, 1.0, 1.0]]


def test_mosaic_needs_full_rows():
    with pytest.raises(ValueError, match="reshape"):
        mosaic(np.zeros((5, 1, 2, 2)), 2)
