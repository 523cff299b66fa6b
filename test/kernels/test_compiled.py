"""Compiled kernels: against NumPy, at the edges of panels, of tiles and of memory."""

from __future__ import annotations

import numpy as np
import pytest
from compiled_cases import arrays, kernel_of, results
from sharing import share_all_work
from threadpoolctl import threadpool_limits

from invertiblenetworks.kernels.activation_base import is_one_of
from invertiblenetworks.kernels.activation_layers import (
    ExpClampLayer,
    IdentityLayer,
    LeakyReLUlayer,
    ReLUlayer,
    SigmoidLayer,
    SoftplusLayer,
    TanhLayer,
)
from invertiblenetworks.kernels.compiled import block, convolution, library, shapes
from invertiblenetworks.kernels.conv_tiled import correlate, transform
from invertiblenetworks.kernels.patches import Geometry

TWO_SLOPES = [ReLUlayer(), LeakyReLUlayer(0.1), LeakyReLUlayer(3.0), IdentityLayer()]
SMOOTH = [TanhLayer(), SigmoidLayer(-0.5, 2.0), SoftplusLayer()]

# (N, n_in, n_hidden, n_out, spatial, width of the kernel): samples smaller than a
# panel, of a panel, of several with a rest; rows and channels that fill no block.
SHAPES = [
    (1, 1, 1, 1, (1, 1), 3),
    (3, 2, 5, 3, (7, 9), 3),
    (9, 3, 8, 4, (4, 4), 3),
    (2, 4, 50, 6, (16, 12), 3),
    (3, 2, 11, 9, (7, 16), 3),  # pairs of lines, and one line
    (2, 9, 8, 10, (4, 64), 3),
    (2, 3, 5, 2, (5, 19), 3),  # samples one pixel short of whole panels
    (2, 3, 17, 2, (101,), 5),
    (2, 2, 9, 3, (5, 6, 7), 3),
    (3, 3, 20, 4, (30, 2), 1),
    (70, 5, 19, 49, (), 1),
]

shapes_of_images = pytest.mark.parametrize("sizes", SHAPES, ids=str)
compiled = pytest.mark.usefixtures("compiled_library", "n_parts")


@pytest.fixture(params=[None, 1, 3], ids=lambda n: f"{n or 'many'} panels a tile")
def tile(request, monkeypatch):
    """Tiles of all panels, of each by itself, and a last one with fewer than others."""
    if request.param:
        monkeypatch.setattr(shapes, "_panels_of_tile", lambda *_: request.param)
    shapes._shape.cache_clear()
    yield
    shapes._shape.cache_clear()


@compiled
@pytest.mark.parametrize("activation", TWO_SLOPES + SMOOTH, ids=repr)
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
        assert a.flags.c_contiguous or a.flags.f_contiguous
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13 * np.abs(b).max())


@compiled
@pytest.mark.parametrize("phi", [LeakyReLUlayer(0.5), *SMOOTH], ids=repr)
@shapes_of_images
def test_block_in_single_precision(sizes, phi, rng):
    parameters, x, dy = arrays(sizes, rng, "float32")
    exact = [p.astype("float64") for p in parameters]
    pad = sizes[-1] // 2
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
@pytest.mark.parametrize("changed", ["gaps", "broadcast", "channels last"])
def test_cotangents_of_any_strides(changed, rng):
    parameters, x, dy = arrays(SHAPES[3], rng, "float64")
    kernel = kernel_of(parameters, x, ReLUlayer(), 1)
    if changed == "gaps":
        dy = np.repeat(dy, 2, axis=-1)[..., ::2]
    elif changed == "broadcast":
        dy = np.broadcast_to(dy[:, :1], dy.shape)
    else:
        dy = dy.transpose(2, 3, 0, 1).copy().transpose(2, 3, 0, 1)
    found, wanted = results(kernel, x, dy), results(kernel, x.copy(), dy.copy())
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


@compiled
def test_images_in_records_are_copied(rng):
    """Their strides are no multiples of a number, nor does each begin at one."""
    room = np.zeros((3, 2), [("other", "f4"), ("images", "f8", (8, 8))])
    x = room["images"]
    x[...] = rng.standard_normal(x.shape)
    parameters, _, dy = arrays((3, 2, 5, 3, (8, 8), 3), rng, "float64")
    kernel = kernel_of(parameters, x, ReLUlayer(), 1)
    for a, b in zip(results(kernel, x, dy), results(kernel, x.copy(), dy), strict=True):
        np.testing.assert_array_equal(a, b)


@compiled
def test_leaky_relu_at_zero(monkeypatch):
    """Its derivative there is 1."""
    parameters, x, dy = arrays(SHAPES[1], np.random.default_rng(0), "float64")
    for bias in (1, 3):
        parameters[bias][...] = 0
    x, phi = np.zeros_like(x), LeakyReLUlayer(0.1)
    found = results(kernel_of(parameters, x, phi, 1), x, dy)
    monkeypatch.setattr(library, "compiled_kernels", lambda: None)
    wanted = results(kernel_of(parameters, x, phi, 1), x, dy)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@compiled
def test_rounding_errors_of_many_pixels_do_not_add_up(rng):
    """Of sums of numbers of one sign, where each error is in the same direction."""
    parameters, _, _ = arrays((1, 2, 16, 3, (4, 4), 3), rng, "float32")
    parameters = [np.abs(p) for p in parameters]
    x, dy = np.full((1, 2, 400, 400), 0.1, "f"), np.full((1, 3, 400, 400), 0.1, "f")
    found = results(kernel_of(parameters, x, ReLUlayer(), 1), x, dy)
    parameters, x, dy = [p.astype("d") for p in parameters], x * 1.0, dy * 1.0
    x, dy = x.astype("d"), dy.astype("d")
    wanted = results(kernel_of(parameters, x, ReLUlayer(), 1), x, dy)
    for a, b in zip(found, wanted, strict=True):
        assert np.linalg.norm(a - b) <= 2e-5 * np.linalg.norm(b)
    geometry = geometry_of((1, 2, 0, 3, (400, 400), 3), False)
    found = correlate(dy.astype("f"), x.astype("f"), geometry)
    wanted = correlate(dy, x, geometry)
    assert np.linalg.norm(found - wanted) <= 2e-5 * np.linalg.norm(wanted)


@compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@shapes_of_images
def test_nothing_is_written_beside_results_and_memory(sizes, dtype, rng, monkeypatch):
    """Every array that a function may write to lies between zeros that stay negative.

    So nothing is added to them either, not even a zero.
    """
    guards = []

    def guarded(shape, dtype):
        size = int(np.prod(shape))
        room = np.full(size + 2 * 64, -0.0, dtype)
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
        outside = np.concatenate([room[:start], room[start + size :]])
        assert (outside == 0).all()
        assert np.signbit(outside).all()
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


@compiled
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("phi", [*TWO_SLOPES[:2], *SMOOTH], ids=repr)
def test_what_is_not_finite_is_as_in_numpy(phi, value, rng, monkeypatch):
    """With positive weights and channels that fill no block: inf stays inf."""
    parameters, x, dy = arrays(SHAPES[1], rng, "float64")
    parameters = [np.abs(p) for p in parameters]
    x[1, 0, 5, 0] = value
    found = results(kernel_of(parameters, x, phi, 1), x, dy)
    monkeypatch.setattr(library, "compiled_kernels", lambda: None)
    with np.errstate(invalid="ignore"):
        wanted = results(kernel_of(parameters, x, phi, 1), x, dy)
    for a, b in zip(found[:2], wanted[:2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    seen = np.zeros(found[0].shape, bool)
    seen[1, :, 3:, 0:3] = True
    assert np.isfinite(found[0][~seen]).all()


@compiled
def test_relu_of_what_is_not_a_number(rng):
    parameters, x, _ = arrays(SHAPES[1], rng, "float32")
    x[0, 0, 3, 3] = np.nan
    y = kernel_of(parameters, x, ReLUlayer(), 1).forward(x)
    assert np.isnan(y[0, :, 3, 3]).all()
    assert np.isfinite(y[1:]).all()


@compiled
@pytest.mark.parametrize("sizes", [SHAPES[1], SHAPES[3], SHAPES[4]], ids=str)
def test_results_are_added_and_only_where_they_belong(sizes, rng):
    geometry = geometry_of(sizes, False)
    n, n_in, _, n_out, spatial, _ = sizes
    images = rng.standard_normal((n, n_in, *spatial))
    matrices = rng.standard_normal((geometry.n_taps, n_out, n_in))
    room = rng.standard_normal((n, n_out + 2, *spatial))
    before, result = room.copy(), room[:, 1:-1]
    functions = convolution.functions_for(images, geometry)
    convolution.transform(functions, images, matrices, geometry, result, adds=True)
    np.testing.assert_array_equal(room[:, [0, -1]], before[:, [0, -1]])
    wanted = before[:, 1:-1] + transform(images, matrices, geometry)
    np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-12)


@compiled
def test_shares_of_workers_add_up(rng, monkeypatch):
    geometry = geometry_of(SHAPES[1], False)
    fixed, moved = (rng.standard_normal((3, c, 7, 9)) for c in (3, 2))
    matrices = rng.standard_normal((9, 3, 2))

    def run():
        return [correlate(fixed, moved, geometry), transform(moved, matrices, geometry)]

    wanted = run()
    share_all_work(monkeypatch)
    with threadpool_limits(3, user_api="blas"):
        found = run()
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_pixels_with_gaps_are_copied(rng):
    x = rng.standard_normal((2, 3, 4, 6))
    views = [x, x[::2], x[:, 1:], x.swapaxes(0, 1), x[:, :, :1]]
    copied = [x[..., ::2], x[:, :, ::2], x.swapaxes(2, 3), x[..., :4]]
    assert all(shapes.pixels_without_gaps(view) is view for view in views)
    for view in copied:
        found = shapes.pixels_without_gaps(view)
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, view)


def test_activations_that_are_known():
    class Other(ReLUlayer):
        """Another function."""

        def forward(self, x):
            return super().forward(x - 1)

    assert all(is_one_of(block.ACTIVATIONS, phi) for phi in TWO_SLOPES + SMOOTH)
    assert not any(is_one_of(block.ACTIVATIONS, f) for f in (Other(), ExpClampLayer()))
    assert [phi.compiled_as[1] for phi in TWO_SLOPES] == [0.0, 0.1, 3.0, 1.0]


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


def test_what_the_user_chooses(monkeypatch, request):
    request.addfinalizer(library.compiled_kernels.cache_clear)
    names = [name for name in library.NAMES if library.load(name) is not None]
    best = names[0] if names else None
    choices = {"0": None, "": best, **{name: name for name in names}}
    for value, wanted in choices.items():
        monkeypatch.setenv(library.SWITCH, value)
        library.compiled_kernels.cache_clear()
        assert library.compiled_kernels() == wanted
    monkeypatch.setenv(library.SWITCH, "AVX2")
    library.compiled_kernels.cache_clear()
    with pytest.raises(ValueError, match=r"unset or one of '0'.* got 'AVX2'\. Unset"):
        library.compiled_kernels()
    monkeypatch.setenv(library.SWITCH, "avx2")
    monkeypatch.setattr(library, "load", lambda name: None)
    library.compiled_kernels.cache_clear()
    with pytest.raises(ValueError, match="one of '0', got 'avx2'"):
        library.compiled_kernels()


def test_libraries_that_cannot_be_used(tmp_path, monkeypatch):
    assert library.load("of a processor that nobody has") is None
    broken = tmp_path / "library.so"
    broken.write_bytes(b"no library")
    assert library._usable(broken) is None
    for name in library.NAMES:
        if library.load(name) is not None:
            path = library.load(name)._name
            assert library._usable(path) is not None
            monkeypatch.setattr(library, "INTERFACE_VERSION", 0)
            assert library._usable(path) is None
            monkeypatch.undo()
