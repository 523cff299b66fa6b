"""Gradients of weights from views of moved images, against those from columns."""

import numpy as np
import pytest

from invertiblenetworks.kernels import conv_tiled, products, shifted_correlation
from invertiblenetworks.kernels.patches import Geometry, tiles

# Each is: spatial shape, kernel, pad.
GEOMETRIES = [
    ((7,), (3,), (1,)),
    ((6,), (2,), (3,)),
    ((5, 6), (3, 3), (1, 1)),
    ((5, 6), (3, 1), (0, 2)),
    ((9, 4), (2, 4), (1, 0)),
    ((3, 3), (3, 3), (2, 2)),
    ((2, 3), (1, 1), (1, 2)),
    ((3, 4, 5), (3, 3, 3), (1, 1, 1)),
    ((4, 3, 4), (2, 3, 1), (0, 2, 1)),
]


def target_of(spatial, kernel, pad):
    sizes = zip(spatial, kernel, pad, strict=True)
    return tuple(size + 2 * p - k + 1 for size, k, p in sizes)


@pytest.mark.usefixtures("small_kernels")
@pytest.mark.parametrize("n_pixels", [1, 9, 40, 1000])
@pytest.mark.parametrize("channels", [(4, 8), (8, 4), (3, 12)], ids=str)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_same_as_from_columns(geometry, reverse, channels, n_pixels, rng):
    spatial, kernel, pad = geometry
    geometry = Geometry(spatial, target_of(*geometry), kernel, (1,) * len(kernel), pad)
    geometry = geometry.reversed() if reverse else geometry
    n_fixed, n_moved = channels
    fixed = rng.standard_normal((3, n_fixed, *geometry.target))
    moved = rng.standard_normal((3, n_moved, *geometry.source))
    found = shifted_correlation.correlate_tiles(
        fixed, moved, geometry, tiles(3, geometry.target, n_pixels)
    )
    wanted = conv_tiled._gather_then_correlate(fixed, moved, geometry)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


SQUARE = Geometry((16, 8), (16, 8), (3, 3), (1, 1), (1, 1))
SMALL = Geometry((8, 8), (8, 8), (3, 3), (1, 1), (1, 1))
NARROW = Geometry((128, 1), (128, 1), (3, 3), (1, 1), (1, 1))
STRIDED = Geometry((32, 32), (16, 16), (3, 3), (2, 2), (1, 1))


@pytest.mark.parametrize(
    ("n_fixed", "n_moved", "geometry", "wanted"),
    [
        (32, 32, SQUARE, True),
        (32, 4, SQUARE, True),
        (64, 32, SQUARE, False),
        (32, 33, SQUARE, False),
        (32, 6, SQUARE, False),
        (32, 32, STRIDED, False),
        (32, 32, SMALL, False),
        (32, 32, NARROW, False),
    ],
)
def test_when_it_pays(n_fixed, n_moved, geometry, wanted, monkeypatch):
    monkeypatch.setattr(products, "has_small_kernels", lambda: True)
    fixed = np.zeros((1, n_fixed, *geometry.target), "float32")
    moved = np.zeros((1, n_moved, *geometry.source), "float32")
    assert shifted_correlation.pays(fixed, moved, geometry) is wanted
    monkeypatch.setattr(products, "has_small_kernels", lambda: False)
    assert not shifted_correlation.pays(fixed, moved, geometry)


@pytest.mark.parametrize("n_moved", [16, 6])
def test_square_convolutions_use_it(n_moved, rng, monkeypatch, numpy_kernels):
    monkeypatch.setattr(products, "has_small_kernels", lambda: True)
    calls, correlate = [], shifted_correlation.correlate_tiles

    def counted(*args):
        calls.append(args)
        return correlate(*args)

    monkeypatch.setattr(shifted_correlation, "correlate_tiles", counted)
    fixed = rng.standard_normal((2, n_moved, 16, 8))
    conv_tiled.correlate(fixed, fixed, SQUARE)
    assert len(calls) == (n_moved == 16)


def test_an_infinite_pixel_stays_in_its_channel(rng):
    """At an edge zeros between the pixels are multiplied with it, which gives NaN."""
    fixed = rng.standard_normal((1, 4, 16, 8))
    moved = rng.standard_normal((1, 4, 16, 8))
    moved[0, 1, 3, 0] = np.inf
    with np.errstate(invalid="ignore"):
        found = shifted_correlation.correlate_tiles(
            fixed, moved, SQUARE, tiles(1, (16, 8), 100)
        )
    assert not np.isfinite(found[:, :, 1]).any()
    assert np.isfinite(np.delete(found, 1, axis=2)).all()
