"""Compiled kernels: against NumPy, at the edges of panels, of tiles and of memory."""

from __future__ import annotations

import os
import platform

import numpy as np
import pytest

from invertiblenetworks.kernels import streamed
from invertiblenetworks.kernels.activation_layers import (
    IdentityLayer,
    LeakyReLUlayer,
    ReLUlayer,
    TanhLayer,
)
from invertiblenetworks.kernels.compiled import block, convolution, library, shapes
from invertiblenetworks.kernels.conv_tiled import correlate, transform
from invertiblenetworks.kernels.patches import Geometry

ACTIVATIONS = [ReLUlayer(), LeakyReLUlayer(0.1), LeakyReLUlayer(3.0), IdentityLayer()]

# (N, n_in, n_hidden, n_out, spatial, width of the kernel): samples smaller than a
# panel, of a panel, of several with a rest; rows and channels that fill no block.
SHAPES = [
    (1, 1, 1, 1, (1, 1), 3),
    (3, 2, 5, 3, (7, 9), 3),
    (9, 3, 8, 4, (4, 4), 3),
    (2, 4, 50, 6, (16, 12), 3),
    (2, 3, 17, 2, (101,), 5),
    (2, 2, 9, 3, (5, 6, 7), 3),
    (3, 3, 20, 4, (30, 2), 1),
    (70, 5, 19, 49, (), 1),
]

shapes_of_images = pytest.mark.parametrize("sizes", SHAPES, ids=str)
compiled = pytest.mark.usefixtures("compiled_library")


@pytest.fixture(params=[None, 1], ids=["large tiles", "one panel a tile"])
def tile(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(block, "TILE_BYTES", request.param)
        monkeypatch.setattr(convolution, "TILE_BYTES", request.param)


def arrays(sizes, rng, dtype):
    """Parameters, x as half of the channels of an array, and a cotangent."""
    n, n_in, n_hidden, n_out, spatial, width = sizes
    kernel, ones = (width,) * len(spatial), (1,) * len(spatial)

    def draw(*shape):
        return rng.standard_normal(shape).astype(dtype)

    w1, b1 = draw(n_hidden, n_in, *kernel), draw(n_hidden)
    w2, b2 = draw(n_hidden, n_hidden, *ones), draw(n_hidden)
    w3 = draw(n_hidden, n_out, *kernel)
    x = draw(n, 2 * n_in, *spatial)[:, n_in:]
    return [w1, b1, w2, b2, w3], x, draw(n, n_out, *spatial)


def results(kernel, x, dy):
    y, pull = kernel.linearize(x)
    dx, gradients = pull(dy)
    return [kernel.forward(x), y, dx, *gradients]


def kernel_of(parameters, x, activation, pad):
    return streamed.streamed_block(x, parameters, activation, pad=pad)


@compiled
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@shapes_of_images
def test_block_against_numpy(sizes, activation, tile, rng, monkeypatch):
    parameters, x, dy = arrays(sizes, rng, "float64")
    pad = sizes[-1] // 2
    kernel = kernel_of(parameters, x, activation, pad)
    assert type(kernel) is block.CompiledBlock
    found = results(kernel, x, dy)
    monkeypatch.setattr(library, "compiled_kernels", lambda: None)
    numpys = kernel_of(parameters, x, activation, pad)
    assert type(numpys) is not block.CompiledBlock
    for a, b in zip(found, results(numpys, x, dy), strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.flags.c_contiguous
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13 * np.abs(b).max())


@compiled
@shapes_of_images
def test_block_in_single_precision(sizes, rng):
    parameters, x, dy = arrays(sizes, rng, "float32")
    exact = [p.astype("float64") for p in parameters]
    pad, phi = sizes[-1] // 2, LeakyReLUlayer(0.5)
    found = results(kernel_of(parameters, x, phi, pad), x, dy)
    x, dy = x.astype("float64"), dy.astype("float64")
    for a, b in zip(found, results(kernel_of(exact, x, phi, pad), x, dy), strict=True):
        assert a.dtype == np.float32
        assert np.linalg.norm(a - b) <= 1e-5 * np.linalg.norm(b)


def geometry_of(sizes, reverse):
    spatial, kernel = sizes[4], (sizes[5],) * len(sizes[4])
    pad = tuple(k // 2 for k in kernel)
    return Geometry(spatial, spatial, kernel, (1,) * len(spatial), pad, reverse)


@compiled
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("sizes", [s for s in SHAPES if s[5] > 1], ids=str)
def test_convolution_against_numpy(sizes, reverse, tile, rng, monkeypatch):
    """Images may be views whose channels lie before their samples."""
    n, n_in, _, n_out, spatial, _ = sizes
    geometry = geometry_of(sizes, reverse)
    images = rng.standard_normal((n_in, n, *spatial)).swapaxes(0, 1)
    fixed = rng.standard_normal((n_out, n, *spatial)).swapaxes(0, 1)
    matrices = rng.standard_normal((geometry.n_taps, n_out, n_in))

    def run():
        return [
            transform(images, matrices, geometry),
            correlate(fixed, images, geometry),
        ]

    assert convolution.functions_for(images, geometry) is not None
    found = run()
    monkeypatch.setattr(library, "compiled_kernels", lambda: None)
    assert convolution.functions_for(images, geometry) is None
    for a, b in zip(found, run(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13 * np.abs(b).max())


@compiled
@pytest.mark.parametrize("dtype", library.TYPES)
@shapes_of_images
def test_nothing_is_written_beside_results_and_memory(sizes, dtype, rng, monkeypatch):
    """Every array that a function may write to lies between numbers that must stay."""
    guards, mark = [], -12345.0

    def guarded(shape, dtype):
        size = int(np.prod(shape))
        room = np.full(size + 2 * 64, mark, dtype)
        start = 64 + (-(room.ctypes.data // room.itemsize + 64)) % 16
        guards.append((room, start, size))
        return room[start : start + size].reshape(shape)

    class Held:
        def __init__(self, shape, like):
            self.array = guarded(shape, like.dtype)

    def result(shape, like):
        return guarded(shape, like.dtype)

    parameters, x, dy = arrays(sizes, rng, dtype)
    kernel = kernel_of(parameters, x, ReLUlayer(), sizes[-1] // 2)
    wanted = results(kernel, x, dy)
    monkeypatch.setattr(block, "Lease", Held)
    monkeypatch.setattr(block, "empty_result", result)
    monkeypatch.setattr(block, "scratch", lambda role, *rest: result(*rest))
    found = results(kernel, x, dy)
    assert len(guards) == 6  # two results, states, and memory of three calls
    for room, start, size in guards:
        assert (room[:start] == mark).all()
        assert (room[start + size :] == mark).all()
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


@compiled
def test_what_is_not_finite_stays_in_its_windows(rng):
    parameters, x, _ = arrays(SHAPES[3], rng, "float64")
    for value in (np.nan, np.inf):
        spoiled = x.copy()
        spoiled[1, 2, 5, 0] = value
        kernel = kernel_of(parameters, x, LeakyReLUlayer(0.1), 1)
        clean, found = kernel.forward(x), kernel.forward(spoiled)
        seen = np.zeros(found.shape, bool)
        seen[1, :, 3:8, 0:3] = True
        assert not np.isfinite(found[seen]).any()
        np.testing.assert_array_equal(found[~seen], clean[~seen])


@compiled
def test_relu_of_what_is_not_a_number(rng):
    parameters, x, _ = arrays(SHAPES[1], rng, "float32")
    x[0, 0, 3, 3] = np.nan
    y = kernel_of(parameters, x, ReLUlayer(), 1).forward(x)
    assert np.isnan(y[0, :, 3, 3]).all()
    assert np.isfinite(y[1:]).all()


@compiled
def test_results_are_added_and_only_where_they_belong(rng):
    geometry = geometry_of(SHAPES[3], False)
    n, n_in, _, n_out, spatial, _ = SHAPES[3]
    images = rng.standard_normal((n, n_in, *spatial))
    matrices = rng.standard_normal((geometry.n_taps, n_out, n_in))
    room = rng.standard_normal((n, n_out + 2, *spatial))
    before, result = room.copy(), room[:, 1:-1]
    functions = convolution.functions_for(images, geometry)
    convolution.transform(functions, images, matrices, geometry, result, adds=True)
    np.testing.assert_array_equal(room[:, [0, -1]], before[:, [0, -1]])
    wanted = before[:, 1:-1] + transform(images, matrices, geometry)
    np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-12)


def test_pixels_with_gaps_are_copied(rng):
    x = rng.standard_normal((2, 3, 4, 6))
    views = [x, x[::2], x[:, 1:], x.swapaxes(0, 1), x[:, :, :1]]
    copied = [x[..., ::2], x[:, :, ::2], x.swapaxes(2, 3), x[..., :4]]
    assert all(shapes.pixels_without_gaps(view) is view for view in views)
    for view in copied:
        found = shapes.pixels_without_gaps(view)
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, view)


def test_only_activations_of_two_slopes():
    class Other(ReLUlayer):
        """May be another function."""

    slopes = [block.slope_below_zero(phi) for phi in (*ACTIVATIONS, TanhLayer())]
    assert slopes == [0.0, 0.1, 3.0, 1.0, None]
    assert block.slope_below_zero(Other()) is None


@compiled
def test_other_maps_are_left_to_numpy(rng):
    x = rng.standard_normal((2, 3, 6, 6))
    same = dict(source=(6, 6), target=(6, 6), kernel=(3, 3), stride=(1, 1), pad=(1, 1))
    assert convolution.functions_for(x, Geometry(**same)) is not None
    for changed in (
        dict(kernel=(1, 1), pad=(0, 0)),
        dict(target=(4, 4), pad=(0, 0)),
        dict(kernel=(2, 2), target=(3, 3), stride=(2, 2), pad=(0, 0)),
        dict(kernel=(3, 4), pad=(1, 1), target=(6, 5)),
    ):
        geometry = Geometry(**{**same, **changed})
        assert convolution.functions_for(x, geometry) is None
    for dtype in ("float16", "complex128", ">f8", "int64"):
        assert convolution.functions_for(x.astype(dtype), Geometry(**same)) is None


def test_what_the_user_chooses(monkeypatch):
    names = [name for name in library.NAMES if library.load(name) is not None]
    best = names[0] if names else None
    choices = {"0": None, "": best, "nothing": None, **{name: name for name in names}}
    for value, wanted in choices.items():
        monkeypatch.setenv(library.SWITCH, value)
        library.compiled_kernels.cache_clear()
        assert library.compiled_kernels() == wanted
    library.compiled_kernels.cache_clear()


def test_there_is_a_library_for_this_processor():
    """Where the package is installed as the README says, with a C compiler."""
    flags = ""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            flags = file.read()
    if platform.machine() == "x86_64" and " avx2 " in flags and " fma " in flags:
        assert library.load("avx2") is not None
    if platform.machine() == "x86_64" and " avx512dq " in flags:
        assert library.load("avx512") is not None
    assert library.load("of a processor that nobody has") is None
