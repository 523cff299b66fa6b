"""Columns of windows, against loops."""

import numpy as np
import pytest

from invertiblenetworks.kernels.patches import tiles
from invertiblenetworks.kernels.windows import (
    Scatter,
    gather,
    n_columns,
    with_margin,
)

SHAPES = [(3, 2, 5), (2, 3, 4, 6), (2, 1, 3, 2, 4)]


def columns_of(images, tile, margin):
    padded = with_margin(images, margin)
    n_rows = images.shape[1] * (2 * margin + 1) ** (images.ndim - 2)
    columns = np.full((n_rows, n_columns(tile, images.shape[2:])), np.nan)
    gather(padded, tile, margin, columns)
    return columns


@pytest.mark.parametrize("n_pixels", [1, 7, 1000])
@pytest.mark.parametrize("margin", [0, 1, 2])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_columns_hold_the_windows(shape, margin, n_pixels, rng):
    images = rng.standard_normal(shape)
    around = [(0, 0), (0, 0)] + [(margin, margin)] * (len(shape) - 2)
    padded, size = np.pad(images, around), 2 * margin + 1
    for tile in tiles(shape[0], shape[2:], n_pixels):
        columns = iter(columns_of(images, tile, margin).T)
        samples, rows = tile
        for sample in range(shape[0])[samples]:
            for pixel in np.ndindex(shape[2:]):
                if pixel[0] in range(rows.start, rows.stop):
                    window = tuple(slice(p, p + size) for p in pixel)
                    expected = padded[(sample, slice(None), *window)]
                    np.testing.assert_array_equal(next(columns), expected.ravel())
        assert next(columns, None) is None


@pytest.mark.parametrize("n_pixels", [1, 7, 20, 1000])
@pytest.mark.parametrize("margin", [0, 1, 2])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_scatter_is_the_adjoint_of_gather(shape, margin, n_pixels, rng):
    images = rng.standard_normal(shape)
    total, scattered = 0.0, np.zeros(shape)
    for tile in tiles(shape[0], shape[2:], n_pixels):
        columns = columns_of(images, tile, margin)
        scatter = Scatter(shape[1], tile, shape[2:], margin, images)
        other = rng.standard_normal(columns.shape)
        scatter.columns[...] = other
        scatter.add_to(scattered)
        total += (columns * other).sum()
    np.testing.assert_allclose((images * scattered).sum(), total, rtol=1e-12)


def test_images_of_any_strides(rng):
    images = rng.standard_normal((4, 6, 5, 3)).transpose(1, 0, 3, 2)[::2, 1:]
    tile = (slice(0, 2), slice(1, 3))
    expected = columns_of(np.ascontiguousarray(images), tile, 0)
    np.testing.assert_array_equal(columns_of(images, tile, 0), expected)
