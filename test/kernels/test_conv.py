"""Convolution against dense loops, and its adjoints against it."""

import numpy as np
import pytest
from sharing import share_all_work
from threadpoolctl import threadpool_limits

from invertiblenetworks.kernels import conv_cuda, conv_cuts
from invertiblenetworks.kernels.conv import (
    conv,
    conv_adjoint_w,
    conv_adjoint_x,
    conv_shape,
)

pytestmark = pytest.mark.usefixtures("each_library")

# Each is: spatial shape, kernel, stride, pad.
GEOMETRIES = [
    ((7,), (1,), 1, 0),
    ((7,), (3,), 1, 1),
    ((6,), (2,), 1, 2),
    ((8,), (4,), 4, 0),
    ((7,), (3,), 2, 1),
    ((1,), (3,), 1, 1),
    ((5, 4), (1, 1), 1, 0),
    ((5, 4), (1, 1), 2, 0),
    ((2, 3), (1, 1), 1, 2),
    ((5, 6), (3, 3), 1, 1),
    ((5, 6), (3, 3), 2, 1),
    ((5, 6), (3, 1), 1, (1, 0)),
    ((5, 6), (1, 3), 1, (0, 2)),
    ((4, 4), (2, 2), 2, 0),
    ((9, 4), (4, 4), 4, 0),
    ((6, 5), (4, 2), (1, 2), (2, 0)),
    ((5, 4), (2, 3), (2, 1), (0, 2)),
    ((4, 4), (4, 4), 1, 0),
    ((2, 2), (4, 4), 1, (1, 2)),
    ((3, 4, 5), (3, 3, 3), 1, 1),
    ((2, 3, 2), (1, 1, 1), 1, 0),
    ((4, 3, 2), (1, 2, 2), 1, (0, 1, 2)),
    ((4, 4, 5), (2, 2, 2), 2, 0),
    ((3, 4, 3), (2, 1, 3), (1, 2, 1), (2, 0, 1)),
]
# (N, C_in, C_out): columns of the input, of the output, and of a single channel.
CHANNELS = [(3, 2, 5), (2, 7, 2), (1, 1, 1), (5, 3, 3), (2, 8, 12)]

geometries = pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
channels = pytest.mark.parametrize("sizes", CHANNELS, ids=str)
strides = pytest.mark.parametrize("stride", [1, 2])


@pytest.fixture
def small_tiles(monkeypatch):
    """Limits so low that even these images are cut into rows."""
    monkeypatch.setattr(conv_cuts, "HOST_BYTES", 500)
    monkeypatch.setattr(conv_cuts, "CORRELATED_BYTES", 500)
    monkeypatch.setattr(conv_cuts, "HOST_PIXELS", 5)
    monkeypatch.setattr(conv_cuda, "DEVICE_BYTES", 500)


def dense_conv(x, w, stride, pad):
    rank = x.ndim - 2
    stride = np.broadcast_to(stride, rank)
    beyond = [(0, 0), (0, 0), *((p, p) for p in np.broadcast_to(pad, rank))]
    x = np.pad(x, beyond)
    steps = [
        range(0, size - k + 1, s)
        for size, k, s in zip(x.shape[2:], w.shape[2:], stride, strict=True)
    ]
    y = np.zeros((len(x), len(w), *map(len, steps)))
    for position in np.ndindex(*y.shape[2:]):
        start = position * stride
        window = tuple(map(slice, start, start + w.shape[2:]))
        seen = x[(slice(None), slice(None), *window)]
        y[(slice(None), slice(None), *position)] = np.tensordot(
            seen, w, axes=[range(1, rank + 2)] * 2
        )
    return y


def operands(rng, geometry, sizes):
    """Random images, kernels and cotangent for one geometry."""
    spatial, kernel, stride, pad = geometry
    n_samples, n_in, n_out = sizes
    target = conv_shape(spatial, kernel, stride=stride, pad=pad)
    x = rng.standard_normal((n_samples, n_in, *spatial))
    w = rng.standard_normal((n_out, n_in, *kernel))
    dy = rng.standard_normal((n_samples, n_out, *target))
    return x, w, dy


def all_three(x, w, dy, stride=1, pad=0):
    """The convolution and both adjoints."""
    options = {"stride": stride, "pad": pad}
    return (
        conv(x, w, **options),
        conv_adjoint_x(dy, w, x.shape[2:], **options),
        conv_adjoint_w(dy, x, w.shape[2:], **options),
    )


def check_all_three(x, w, dy, results, stride, pad):
    """Compare with the dense loops, and both adjoints by inner products."""
    y, dx, dw = results
    expected = dense_conv(x, w, stride, pad)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)
    assert dx.shape == x.shape
    assert dw.shape == w.shape
    product = np.vdot(expected, dy)
    assert np.vdot(x, dx) == pytest.approx(product, abs=1e-11)
    assert np.vdot(w, dw) == pytest.approx(product, abs=1e-11)


@geometries
@channels
def test_against_dense_loops(geometry, sizes, rng, to_xp, to_numpy):
    x, w, dy = operands(rng, geometry, sizes)
    results = all_three(*map(to_xp, (x, w, dy)), *geometry[2:])
    check_all_three(x, w, dy, map(to_numpy, results), *geometry[2:])


@geometries
@channels
@pytest.mark.usefixtures("small_tiles", "nan_in_new_arrays", "small_kernels")
def test_against_dense_loops_in_tiles(geometry, sizes, rng, to_xp, to_numpy):
    x, w, dy = operands(rng, geometry, sizes)
    results = all_three(*map(to_xp, (x, w, dy)), *geometry[2:])
    check_all_three(x, w, dy, map(to_numpy, results), *geometry[2:])


@pytest.fixture
def nan_in_new_arrays(monkeypatch, xp):
    """What is read before it is written shows."""
    empty = xp.empty

    def filled(shape, dtype=float, **options):
        array = empty(shape, dtype, **options)
        array.view(np.uint8).fill(255) if array.size else None
        return array

    monkeypatch.setattr(xp, "empty", filled)


@geometries
@pytest.mark.parametrize("n_workers", [2, 3])
@pytest.mark.parametrize(
    "sizes",
    [(1, 2, 7), (1, 3, 3), (1, 7, 2), (2, 3, 3), (7, 3, 2), (3, 4, 8)],
    ids=str,
)
@pytest.mark.usefixtures("small_tiles", "nan_in_new_arrays", "small_kernels")
def test_against_dense_loops_on_workers(
    geometry, sizes, n_workers, rng, to_xp, to_numpy, monkeypatch
):
    """Samples are shared, or rows of each of a few; also rows that no tap reaches."""
    share_all_work(monkeypatch)
    x, w, dy = operands(rng, geometry, sizes)
    with threadpool_limits(n_workers, user_api="blas"):
        results = all_three(*map(to_xp, (x, w, dy)), *geometry[2:])
    check_all_three(x, w, dy, map(to_numpy, results), *geometry[2:])


@pytest.mark.parametrize(
    ("n_samples", "n_workers", "halo", "shares"),
    [
        (4, 1, 2, [[(0, 4, 0, 9)]]),
        (4, 2, 2, [[(0, 2, 0, 9)], [(2, 4, 0, 9)]]),
        (1, 2, 0, [[(0, 1, 0, 4)], [(0, 1, 4, 9)]]),
        (3, 2, 0, [[(0, 1, 0, 9), (1, 2, 0, 4)], [(1, 2, 4, 9), (2, 3, 0, 9)]]),
        (5, 2, 0, [[(0, 2, 0, 9), (2, 3, 0, 4)], [(2, 3, 4, 9), (3, 5, 0, 9)]]),
        (2, 3, 1, [[(0, 1, 0, 6)], [(0, 1, 6, 9), (1, 2, 0, 3)], [(1, 2, 3, 9)]]),
        # Not where it saves little: 10 of 11 samples, or as many rows again.
        (21, 2, 0, [[(0, 10, 0, 9)], [(10, 21, 0, 9)]]),
        (3, 2, 2, [[(0, 1, 0, 9)], [(1, 3, 0, 9)]]),
    ],
)
def test_how_workers_share_a_batch(n_samples, n_workers, halo, shares):
    with threadpool_limits(n_workers, user_api="blas"):
        found = conv_cuts.strips(n_samples, 9, halo, n_threads=10)
    numbers = [[(s.start, s.stop, r.start, r.stop) for s, r in f] for f in found]
    assert numbers == shares


@pytest.mark.parametrize("kernel", [1, 3])
def test_of_no_samples(kernel, rng, to_xp):
    x, w, dy = operands(rng, ((5, 4), (kernel, kernel), 1, kernel // 2), (1, 2, 3))
    x, w, dy = map(to_xp, (x[:0], w, dy[:0]))
    y, dx, dw = all_three(x, w, dy, 1, kernel // 2)
    assert (y.shape, dx.shape) == (dy.shape, x.shape)
    assert dw.shape == w.shape
    assert not dw.any()


@strides
def test_adjoints_are_exact_transposes(stride, rng, to_xp, to_numpy):
    """Column by column, so that no error can hide in a direction not tried."""
    x, w, dy = operands(rng, ((4, 3), (3, 2), stride, 1), (1, 2, 3))
    _, dx, dw = map(to_numpy, all_three(*map(to_xp, (x, w, dy)), stride, 1))
    for index in np.ndindex(*x.shape):
        unit = np.zeros_like(x)
        unit[index] = 1
        expected = np.vdot(dense_conv(unit, w, stride, 1), dy)
        assert dx[index] == pytest.approx(expected, abs=1e-13)
    for index in np.ndindex(*w.shape):
        unit = np.zeros_like(w)
        unit[index] = 1
        expected = np.vdot(dense_conv(x, unit, stride, 1), dy)
        assert dw[index] == pytest.approx(expected, abs=1e-13)


@strides
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)], ids=str)
@pytest.mark.parametrize("sizes", [(2, 2, 3), (2, 7, 1)], ids=str)
def test_views_are_read_and_left_alone(kernel, sizes, stride, rng, to_xp, to_numpy):
    geometry = ((5, 4), kernel, stride, kernel[0] // 2)
    arrays = operands(rng, geometry, sizes)
    views = []
    for array in arrays:
        # Some channels of a larger array, stored with the last axis first.
        larger = np.full((array.shape[0], array.shape[1] + 3, *array.shape[2:]), np.nan)
        larger[:, 2:-1] = array
        stored = to_xp(np.ascontiguousarray(larger.T))
        views.append((stored, stored.T[:, 2:-1]))
    before = [to_numpy(stored).copy() for stored, _ in views]
    results = all_three(*(view for _, view in views), *geometry[2:])
    check_all_three(*arrays, map(to_numpy, results), *geometry[2:])
    for (stored, _), old in zip(views, before, strict=True):
        np.testing.assert_array_equal(to_numpy(stored), old)


@strides
@pytest.mark.parametrize("sizes", [(4, 8, 8), (4, 20, 2)], ids=str)
def test_single_precision_and_repeatable(stride, sizes, rng, to_xp, to_numpy):
    arrays = operands(rng, ((12, 10), (3, 3), stride, 1), sizes)
    singles = [to_xp(array.astype("float32")) for array in arrays]
    results = all_three(*singles, stride, 1)
    again = all_three(*singles, stride, 1)
    doubles = all_three(*map(to_xp, arrays), stride, 1)
    for single, repeated, double in zip(results, again, doubles, strict=True):
        assert single.dtype == "float32"
        assert double.dtype == "float64"
        assert single.flags.c_contiguous
        single, double = to_numpy(single), to_numpy(double)
        assert single.tobytes() == to_numpy(repeated).tobytes()
        np.testing.assert_allclose(single, double, atol=3e-7 * np.abs(double).max() * 9)


def test_transposed_convolution_by_hand(to_xp, to_numpy):
    """Each number of ``dy`` puts one copy of the kernel into the image."""
    dy, w = to_xp(np.array([[[1.0, 10.0]]])), to_xp(np.array([[[1.0, 2.0, 3.0]]]))
    image = conv_adjoint_x(dy, w, (6,), stride=2)
    np.testing.assert_array_equal(to_numpy(image), [[[1, 2, 13, 20, 30, 0]]])


# --- shapes and errors ----------------------------------------------------------------


def test_shape_of_the_result():
    assert conv_shape((8, 7), (3, 3), pad=1) == (8, 7)
    assert conv_shape((8, 7), (3, 2), stride=2, pad=(1, 0)) == (4, 3)
    assert conv_shape((9,), (4,), stride=(4,)) == (2,)


def test_kernel_larger_than_the_image():
    expected = (
        r"conv_shape: expected a kernel that fits into images of spatial shape "
        r"\(2, 5\) with pad \(0, 0\), got a kernel of shape \(3, 3\)\."
    )
    with pytest.raises(ValueError, match=expected):
        conv_shape((2, 5), (3, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stride": 0}, "expected stride to be an integer of at least 1, or 2 of them"),
        ({"stride": 1.5}, "expected stride to be an integer .*, got 1.5"),
        ({"pad": -1}, "expected pad to be an integer of at least 0, or 2 of them"),
        ({"pad": (1, 1, 1)}, r"expected pad .* 2 of them, got \(1, 1, 1\)"),
        ({"kernel": (3,)}, r"expected a kernel of 2 axes, got \(3,\)"),
        (
            {"spatial": (), "kernel": ()},
            r"expected one to three spatial axes, got \(\)",
        ),
    ],
    ids=str,
)
def test_arguments_that_do_not_fit_the_axes(arguments, message):
    arguments = {"spatial": (5, 5), "kernel": (3, 3)} | arguments
    with pytest.raises(ValueError, match=f"conv_shape: {message}"):
        conv_shape(**arguments)


def test_arrays_that_do_not_fit_together(to_xp):
    x, w = to_xp(np.ones((2, 3, 4, 4))), to_xp(np.ones((5, 2, 3, 3)))
    dy = to_xp(np.ones((2, 4, 2, 2)))
    with pytest.raises(ValueError, match=r"conv: expected x of shape \(2, 2, 4, 4\)"):
        conv(x, w)
    with pytest.raises(ValueError, match=r"_x: expected dy of shape \(2, 5, 2, 2\)"):
        conv_adjoint_x(dy, w, (4, 4))
    with pytest.raises(ValueError, match=r"_w: expected dy of shape \(2, 4, 3, 3\)"):
        conv_adjoint_w(dy, x, (2, 2))
    with pytest.raises(TypeError, match="conv: expected two arrays of the same dtype"):
        conv(x, w.astype("float32"))


def test_vectors_are_plain_products(rng, to_xp, to_numpy):
    x, w, dy = (rng.normal(size=shape) for shape in ((5, 3), (4, 3), (5, 4)))
    np.testing.assert_allclose(to_numpy(conv(to_xp(x), to_xp(w))), x @ w.T)
    found = to_numpy(conv_adjoint_x(to_xp(dy), to_xp(w), ()))
    np.testing.assert_allclose(found, dy @ w)
    found = to_numpy(conv_adjoint_w(to_xp(dy), to_xp(x), ()))
    np.testing.assert_allclose(found, dy.T @ x)
