"""Compiled maps of channels, and sums for their gradients, against exact sums."""

from __future__ import annotations

import numpy as np
import pytest
from compiled_cases import (
    LAYOUTS,
    MATRIX_LAYOUTS,
    Guards,
    columns,
    exact,
    expect_close,
    in_layout,
    in_matrix_layout,
)
from sharing import share_all_work
from threadpoolctl import threadpool_limits

from invertiblenetworks.kernels import mixing, workers
from invertiblenetworks.kernels.compiled import library, rows, shapes
from invertiblenetworks.kernels.compiled import mixing as compiled_mixing

compiled = pytest.mark.usefixtures("compiled_library", "n_parts")
dtypes = pytest.mark.parametrize("dtype", ["float64", "float32"])

CHANNELS = [1, 3, 8, 9, 17, 50]

# Samples smaller than a vector and a panel, whole numbers of them, and others.
IMAGES = [
    (3, (1,)),
    (2, (7,)),
    (3, (16,)),
    (4, (17,)),
    (2, (48,)),
    (7, (2, 2)),
    (7, (4, 4)),
    (4, (2, 8)),
    (3, (8, 8)),
    (3, (7, 9)),
    (2, (16, 12)),
    (3, (5, 6, 7)),
    (5, (4, 2, 2)),
    (1, (30, 31)),
]
VECTORS = [(n, ()) for n in (1, 7, 16, 17, 48, 49, 101, 300)]
SIZES = IMAGES + VECTORS

sizes = pytest.mark.parametrize(("n", "spatial"), SIZES, ids=str)


def arguments_of(n, k, spatial, rng, dtype):
    """Matrix, offset, matrix of the cotangent, value and cotangent."""
    shapes_of_all = [(k, k), (k,), (k, k), (n, k, *spatial), (n, k, *spatial)]
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes_of_all]


def expect_mixed(found, matrix, offset, x, units=None):
    """That the result is ``matrix x + offset``, in the memory layout of a state."""
    k = len(offset)
    assert found.dtype == x.dtype
    assert (found.T if x.ndim == 2 else found).flags.c_contiguous
    m, c, flat = exact(matrix), exact(offset)[:, None], exact(columns(x))
    wanted, bound = m @ flat + c, np.abs(m) @ np.abs(flat) + np.abs(c)
    expect_close(columns(found), wanted, bound, units or k + 2)


def expect_correlated(found, of_value, of_cotangent, value, cotangent):
    x, dx, gram, total = found
    matrix, offset = of_value
    expect_mixed(x, matrix, offset, value)
    expect_mixed(dx, of_cotangent, np.zeros_like(offset), cotangent)
    m, y, dy = exact(matrix), exact(columns(value)), exact(columns(cotangent))
    n, k = y.shape[1], len(m)
    bound = (np.abs(m) @ np.abs(y)) @ np.abs(dy).T
    expect_close(gram, (m @ y) @ dy.T, bound, n + k)
    expect_close(total, dy.sum(1), np.abs(dy).sum(1), n)


@compiled
@dtypes
@sizes
def test_mix(n, spatial, dtype, rng):
    for k in CHANNELS:
        matrix, offset, _, x, _ = arguments_of(n, k, spatial, rng, dtype)
        for given in (x, in_layout(x, "column by column")):
            expect_mixed(mixing.mix(matrix, offset, given), matrix, offset, x)


@compiled
@dtypes
@sizes
def test_mix_and_correlate(n, spatial, dtype, rng, monkeypatch):
    """Tiles of all panels, and of one each."""
    for k in CHANNELS:
        matrix, offset, other, y, dy = arguments_of(n, k, spatial, rng, dtype)
        for tile in (compiled_mixing.TILE_BYTES, 1):
            monkeypatch.setattr(compiled_mixing, "TILE_BYTES", tile)
            found = mixing.mix_and_correlate((matrix, offset), other, y, dy)
            expect_correlated(found, (matrix, offset), other, y, dy)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("n", "spatial"), [(5, ()), (70, ()), (5, (4, 4)), (3, (7, 9)), (3, (5, 4, 3))]
)
def test_layouts_of_images(layout, n, spatial, each_library, rng):
    for k in (3, 9):
        matrix, offset, other, y, dy = arguments_of(n, k, spatial, rng, "float64")
        y, dy = in_layout(y, layout), in_layout(dy, layout)
        before = y.copy(), dy.copy()
        for given in ((y, dy), (y, before[1]), (before[0], dy)):
            expect_mixed(mixing.mix(matrix, offset, given[0]), matrix, offset, y)
            found = mixing.mix_and_correlate((matrix, offset), other, *given)
            expect_correlated(found, (matrix, offset), other, y, dy)
        np.testing.assert_array_equal(y, before[0])
        np.testing.assert_array_equal(dy, before[1])


@compiled
@dtypes
@pytest.mark.parametrize("of_cotangent", MATRIX_LAYOUTS)
@pytest.mark.parametrize("of_value", MATRIX_LAYOUTS)
def test_layouts_of_matrices(of_value, of_cotangent, dtype, rng):
    for k in (1, 2, 4, 7, 8, 15, 16, 19, 33):
        matrix, offset, other, y, dy = arguments_of(3, k, (5, 5), rng, dtype)
        matrix = in_matrix_layout(matrix, of_value)
        other = in_matrix_layout(other, of_cotangent)
        before = matrix.copy(), other.copy()
        expect_mixed(mixing.mix(matrix, offset, y), matrix, offset, y)
        found = mixing.mix_and_correlate((matrix, offset), other, y, dy)
        expect_correlated(found, (matrix, offset), other, y, dy)
        np.testing.assert_array_equal(matrix, before[0])
        np.testing.assert_array_equal(other, before[1])


@pytest.mark.parametrize(("n", "spatial"), [(5, (7, 9)), (331, ()), (9, (4, 4))])
def test_workers_share_pixels(n, spatial, each_library, rng, monkeypatch):
    """What is written is the same, and sums are to rounding."""
    matrix, offset, other, y, dy = arguments_of(n, 9, spatial, rng, "float64")
    one = mixing.mix_and_correlate((matrix, offset), other, y, dy)
    mixed = mixing.mix(matrix, offset, y)
    shares = []

    def noted(tasks, run=workers.run):
        shares.append(len(tasks))
        return run(tasks)

    def noted_parts(n_multiplications, n_parts=workers.n_parts):
        shares.append(n_parts(n_multiplications))
        return shares[-1]

    monkeypatch.setattr(workers, "run", noted)
    monkeypatch.setattr(workers, "n_parts", noted_parts)
    share_all_work(monkeypatch)
    with threadpool_limits(3, user_api="blas"):
        found = mixing.mix_and_correlate((matrix, offset), other, y, dy)
        again = mixing.mix(matrix, offset, y)
    assert shares == [3, 3]
    expect_correlated(found, (matrix, offset), other, y, dy)
    if each_library is not None:
        for a, b in zip([again, *found[:2]], [mixed, *one[:2]], strict=True):
            np.testing.assert_array_equal(a, b)


@compiled
@dtypes
@pytest.mark.parametrize("vectors", [True, False])
def test_rounding_errors_of_many_pixels_do_not_add_up(vectors, dtype, rng):
    """Of sums of numbers of one sign, where each error is in the same direction."""
    k, n = 2, 1500 * 1500
    shape = (n, k) if vectors else (1, k, 1500, 1500)
    matrix = np.eye(k, dtype=dtype)
    y = in_layout(
        np.full(shape, 0.3, dtype), "column by column" if vectors else "plain"
    )
    of_value = matrix, np.zeros(k, dtype)
    *_, gram, total = mixing.mix_and_correlate(of_value, matrix, y, y)
    one = exact(y.flat[0])
    units = np.finfo(dtype).eps
    assert np.abs(gram / (n * one * one) - 1).max() <= 60 * units
    assert np.abs(total / (n * one) - 1).max() <= 60 * units


@compiled
@dtypes
@sizes
def test_nothing_beside_arrays_is_written_or_used(n, spatial, dtype, n_parts, rng):
    """What is read lies among what is not a number."""
    for k in (1, 5, 8, 17):
        guards, own = Guards(), arguments_of(n, k, spatial, rng, dtype)
        matrix, offset, other = (
            guards.array(a.shape, a.dtype, a, beside=np.nan) for a in own[:3]
        )
        y, dy = (
            guards.array(a.shape, a.dtype, a, beside=np.nan)
            for a in (np.ascontiguousarray(shapes.as_images(x)) for x in own[3:])
        )
        x, dx, result = (guards.array(y.shape, dtype) for _ in range(3))
        functions = library.functions(np.dtype(dtype))
        gram, total = guards.array((k, k), dtype), guards.array((k,), dtype)
        tile = shapes.Tile(2 * y.itemsize, n_rows=1, width=1)
        shape = shapes.shape_of(y, dy, tile=tile, n_parts=n_parts)
        memory, memory_back = (
            guards.array((size(shape),), dtype)
            for size in (functions.memory_mix, functions.memory_mix_back)
        )
        functions.mix(shape, k, 1, matrix, offset, y, result, memory)
        arrays = (matrix, offset, other, y, dy, x, dx, gram, total, memory_back)
        functions.mix_back(shape, k, 1, k, 1, *arrays)
        guards.check()
        found, x, dx = (shapes.as_given(a, own[3]) for a in (result, x, dx))
        expect_mixed(found, *own[:2], own[3])
        expect_correlated((x, dx, gram, total), own[:2], *own[2:])


@compiled
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("k", [3, 8, 19])
def test_what_is_not_finite_stays_at_its_pixel(k, value, rng):
    matrix, offset, other, y, dy = arguments_of(3, k, (5, 5), rng, "float64")
    y[1, 0, 2, 3] = value
    seen = np.zeros(y.shape, bool)
    seen[1, :, 2, 3] = True
    found = mixing.mix(matrix, offset, y)
    x, dx, gram, total = mixing.mix_and_correlate((matrix, offset), other, y, dy)
    for result in (found, x):
        np.testing.assert_array_equal(np.isfinite(result), ~seen)
    for result in (dx, total):
        assert np.isfinite(result).all()
    assert not np.isfinite(gram).any()


@pytest.mark.parametrize("spatial", [(), (3,), (4, 4)], ids=str)
def test_no_samples(spatial, each_library, rng):
    own = arguments_of(0, 3, spatial, rng, "float32")
    assert mixing.mix(*own[:2], own[3]).shape == (0, 3, *spatial)
    found = mixing.mix_and_correlate(own[:2], *own[2:])
    assert [a.shape for a in found[:2]] == [(0, 3, *spatial)] * 2
    assert not found[2].any()
    assert not found[3].any()


@pytest.mark.usefixtures("compiled_library")
def test_what_is_noted_of_shapes_is_not_changed(rng, monkeypatch):
    """The same object serves all calls."""

    def fields(structure):
        return [
            list(value) if hasattr(value, "_length_") else value
            for value in (getattr(structure, name) for name, *_ in structure._fields_)
        ]

    matrix, offset, other, y, dy = arguments_of(3, 5, (6, 7), rng, "float64")
    shape, made = shapes.shape_of(y, y), []

    def noted(*arguments, **options):
        result = shapes.shape_of(*arguments, **options)
        made.append((result, fields(result)))
        return result

    assert fields(shape) == [3, [1, 6, 7], [0, 0, 0], 5, 0, 5, 210, 42, 210, 42, 0, 1]
    monkeypatch.setattr(compiled_mixing, "shape_of", noted)
    for _ in range(2):
        mixing.mix(matrix, offset, y)
        mixing.mix_and_correlate((matrix, offset), other, y, dy)
    (first, _), (second, _), *again = made
    assert first is shape
    assert [again[0][0], again[1][0]] == [first, second]
    for result, before in made:
        assert fields(result) == before
    assert shapes.shape_of(y, y[:, ::-1]) is not shape
    assert shapes.shape_of(y.astype("f"), y.astype("f")).x_sample == 210
    assert shapes.shape_of(y, y, (3, 5)).margin[:] == [0, 1, 2]


def test_which_rows_fit(rng):
    x = rng.standard_normal((2, 3, 4, 6))
    for fits in (x, x[::2], x[:, ::-1], x[::-1], x.swapaxes(0, 1), x[:, :, :1], x[:0]):
        assert rows.rows_fit(fits.shape, fits.strides, 8)
    for misfit in (
        x[..., ::2],
        x[..., ::-1],
        x[..., :4],
        x.swapaxes(2, 3),
        x[:, :, ::2],
    ):
        assert not rows.rows_fit(misfit.shape, misfit.strides, 8)
    record = in_layout(x, "record")
    assert not rows.rows_fit(record.shape, record.strides, 8)
    vectors = x[0, 0]
    assert not rows.rows_fit(vectors.shape, vectors.strides, 8)
    assert rows.rows_fit(vectors.T.shape, vectors.T.strides, 8)
    assert rows.rows_fit(vectors[:1].shape, vectors[:1].strides, 8)


@compiled
@pytest.mark.parametrize("offset", [0, 1, 4])
def test_images_that_are_not_aligned(offset, rng):
    own = arguments_of(3, 5, (4, 4), rng, "float64")
    size = own[3].nbytes
    y = (
        np.zeros(size + 8, "u1")[offset : offset + size]
        .view("f8")
        .reshape(own[3].shape)
    )
    y[...] = own[3]
    expect_mixed(mixing.mix(*own[:2], y), *own[:2], own[3])
    found = mixing.mix_and_correlate(own[:2], own[2], y, own[4])
    expect_correlated(found, own[:2], *own[2:])
