"""Compiled windows: images of few pixels, wide kernels, and any strides of images."""

from __future__ import annotations

import compiled_cases
import numpy as np
import pytest
from compiled_cases import LAYOUTS, Guards, in_layout
from sharing import share_all_work
from threadpoolctl import threadpool_limits

from invertiblenetworks.kernels.activation_base import CompiledAs
from invertiblenetworks.kernels.activation_layers import LeakyReLUlayer, ReLUlayer
from invertiblenetworks.kernels.compiled import block, convolution, library, shapes
from invertiblenetworks.kernels.conv_tiled import correlate, transform
from invertiblenetworks.kernels.patches import Geometry

compiled = pytest.mark.usefixtures("compiled_library", "n_parts")

# (N, spatial, width of the kernel): vectors of a panel lie in several samples; images
# are narrower than kernels; a kernel is as wide as a vector, a panel, or wider.
SIZES = [
    *((n, (4, 4), width) for n in (1, 2, 7) for width in (1, 3, 5, 7)),
    *((n, (2, 8), width) for n in (1, 5) for width in (1, 3, 5, 7)),
    *((3, (8, 8), width) for width in (3, 5, 7)),
    *((2, (16, 16), width) for width in (1, 3, 7)),
    *((4, (16,), width) for width in (1, 3, 7, 17, 33)),
    *((4, (17,), width) for width in (1, 3, 7, 17)),
    *((1, (17,), width) for width in (3, 7)),
    *((5, (n,), width) for n in (1, 2, 3) for width in (5, 7)),
    *((2, (64,), width) for width in (9, 11, 13, 23, 25, 33, 47, 49, 51)),
    *((2, (67,), width) for width in (13, 25, 49)),
    # Lines that are whole vectors, of even and odd numbers.
    *((n, (height, 16), 3) for n in (1, 3) for height in (1, 2, 3, 6)),
    *((n, (5, width), 3) for n in (2, 7) for width in (32, 48, 80)),
    (5, (64, 16), 3),
    (3, (16, 1), 5),
    (2, (48, 2), 3),
    (3, (4, 4, 4), 3),
    (3, (2, 2, 4), 5),
    (2, (1, 1, 1), 3),
    (2, (3, 4, 8), 3),
    *((n, (3, height, 16), 3) for n in (1, 2) for height in (4, 5)),
    (1, (2, 3, 48), 3),
    (2, (2, 3, 7), 3),
]
# Kernels that are not as wide on all axes, which convolutions may have.
UNEVEN = [
    (2, (3, 5, 16), (1, 3, 3)),
    (2, (4, 6, 16), (5, 3, 3)),
    (1, (2, 6, 16), (3, 3, 1)),
    (3, (5, 16), (3, 5)),
    (3, (5, 16), (5, 3)),
    (2, (6, 16), (3, 1)),
    (2, (6, 16), (1, 3)),
]
sizes = pytest.mark.parametrize(("n", "spatial", "width"), SIZES, ids=str)
all_sizes = pytest.mark.parametrize(
    ("n", "spatial", "width"), [s for s in SIZES if s[2] != 1] + UNEVEN, ids=str
)
N_IN, N_HIDDEN, N_OUT = 2, 9, 3


def draws(n, spatial, width, rng, dtype="float64"):
    """Parameters, x and a cotangent."""
    kernel, ones = (width,) * len(spatial), (1,) * len(spatial)
    shapes_of_all = [
        (N_HIDDEN, N_IN, *kernel),
        (N_HIDDEN,),
        (N_HIDDEN, N_HIDDEN, *ones),
        (N_HIDDEN,),
        (N_HIDDEN, N_OUT, *kernel),
        (n, N_IN, *spatial),
        (n, N_OUT, *spatial),
    ]
    *parameters, x, dy = (rng.standard_normal(s).astype(dtype) for s in shapes_of_all)
    return parameters, x, dy


def results(parameters, x, dy, activation, is_compiled=True):
    pad = parameters[0].shape[-1] // 2
    kernel = compiled_cases.kernel_of(parameters, x, activation, pad)
    assert (type(kernel) is block.CompiledBlock) == is_compiled
    return compiled_cases.results(kernel, x, dy)


def geometry_of(spatial, width, reverse=False):
    kernel = (width,) * len(spatial) if isinstance(width, int) else width
    pad = tuple(size // 2 for size in kernel)
    return Geometry(spatial, spatial, kernel, (1,) * len(spatial), pad, reverse)


def with_numpy(monkeypatch, function, *arguments):
    with monkeypatch.context() as patch:
        patch.setattr(library, "compiled_kernels", lambda: None)
        return function(*arguments)


def expect_close(found, wanted, units=2000):
    for a, b in zip(found, wanted, strict=True):
        eps = np.finfo(a.dtype).eps
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=units * eps * np.abs(b).max())


@compiled
@sizes
def test_block(n, spatial, width, rng, monkeypatch):
    """In both types, against NumPy in double precision."""
    parameters, x, dy = draws(n, spatial, width, rng, "float32")
    wide = [p.astype("d") for p in parameters], x.astype("d"), dy.astype("d")
    for activation in (ReLUlayer(), LeakyReLUlayer(0.5)):
        wanted = with_numpy(monkeypatch, results, *wide, activation, False)
        expect_close(results(*wide, activation), wanted)
        expect_close(results(parameters, x, dy, activation)[1:2], wanted[1:2], 200)


@compiled
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@all_sizes
def test_convolution(n, spatial, width, dtype, reverse, rng, monkeypatch):
    geometry = geometry_of(spatial, width, reverse)
    images = rng.standard_normal((n, N_IN, *spatial)).astype(dtype)
    fixed = rng.standard_normal((n, N_OUT, *spatial)).astype(dtype)
    matrices = rng.standard_normal((geometry.n_taps, N_OUT, N_IN)).astype(dtype)

    def run(fixed, images, matrices):
        return [
            transform(images, matrices, geometry),
            correlate(fixed, images, geometry),
        ]

    wide = [a.astype("d") for a in (fixed, images, matrices)]
    wanted = with_numpy(monkeypatch, run, *wide)
    assert convolution.functions_for(images, geometry) is not None
    expect_close(run(fixed, images, matrices), wanted, 200)


@compiled
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("n", "spatial", "width"),
    [
        (5, (4, 4), 3),
        (3, (8, 8), 5),
        (3, (7, 9), 3),
        (4, (33,), 3),
        (3, (16, 12), 3),
        (3, (5, 16), 3),
        (2, (6, 32), 3),
    ],
)
def test_layouts_do_not_matter(n, spatial, width, layout, rng):
    parameters, x, dy = draws(n, spatial, width, rng)
    geometry = geometry_of(spatial, width)
    matrices = rng.standard_normal((geometry.n_taps, N_OUT, N_IN))
    x, dy = in_layout(x, layout), in_layout(dy, layout)
    before = x.copy(), dy.copy()
    phi = ReLUlayer()
    wanted = results(parameters, *before, phi)
    wanted += [transform(before[0], matrices, geometry)]
    wanted += [correlate(before[1], before[0], geometry)]
    for a, b in ((x, dy), (x, before[1]), (before[0], dy)):
        found = results(parameters, a, b, phi)
        found += [transform(a, matrices, geometry), correlate(b, a, geometry)]
        for result, plain in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(result, plain)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(dy, before[1])


@compiled
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@sizes
def test_only_pixels_of_images_are_used(n, spatial, width, dtype, rng, monkeypatch):
    """Images lie among what is not a number; results among zeros that stay negative."""
    guards = Guards()
    parameters, x, dy = draws(n, spatial, width, rng, dtype)
    phi = LeakyReLUlayer(0.5)
    wanted = results(parameters, x, dy, phi)

    def result(shape, like):
        return guards.array(shape, like.dtype)

    class Held:
        def __init__(self, shape, like):
            self.array = result(shape, like)

    x, dy = (guards.array(a.shape, dtype, a, beside=np.nan) for a in (x, dy))
    monkeypatch.setattr(block, "Lease", Held)
    monkeypatch.setattr(block, "empty_result", result)
    monkeypatch.setattr(block, "scratch", lambda role, *rest: result(*rest))
    for a, b in zip(results(parameters, x, dy, phi), wanted, strict=True):
        np.testing.assert_array_equal(a, b)
    guards.check()


@compiled
@pytest.mark.parametrize(
    ("n", "spatial"), [(7, (4, 4)), (3, (7, 9)), (2, (16, 12)), (3, (5, 16))]
)
def test_results_of_other_strides(n, spatial, rng, monkeypatch):
    """Written and added to, with several workers, and nothing beside them."""
    geometry = geometry_of(spatial, 3)
    images = rng.standard_normal((n, N_IN, *spatial))
    matrices = rng.standard_normal((9, N_OUT, N_IN))
    wanted = transform(images, matrices, geometry)
    functions = convolution.functions_for(images, geometry)
    share_all_work(monkeypatch)
    for n_workers in (1, 3):
        room = rng.standard_normal((N_OUT + 2, n, *spatial))
        before, result = room.copy(), room[-2:0:-1].swapaxes(0, 1)
        with threadpool_limits(n_workers, user_api="blas"):
            for adds in (False, True):
                arguments = (images, matrices, geometry, result)
                convolution.transform(functions, *arguments, adds=adds)
                np.testing.assert_allclose(result, (1 + adds) * wanted, rtol=1e-14)
        np.testing.assert_array_equal(room[[0, -1]], before[[0, -1]])


@compiled
def test_noted_shapes_are_not_changed(rng):
    """One object serves all calls of the same sizes and strides."""

    def content(shape):
        return bytes(shape)

    parameters, x, dy = draws(3, (4, 4), 3, rng)
    made, of_images = [], shapes.shape_of

    def noted(*arguments, **options):
        shape = of_images(*arguments, **options)
        made.append((shape, content(shape)))
        return shape

    with pytest.MonkeyPatch.context() as patch:
        for module in (block, convolution):
            patch.setattr(module, "shape_of", noted)
        for _ in range(2):
            results(parameters, x, dy, ReLUlayer())
            correlate(dy, x, geometry_of((4, 4), 3))
    assert len(made) > len({id(shape) for shape, _ in made})
    for shape, before in made:
        assert content(shape) == before


@compiled
def test_images_on_a_disk(tmp_path, rng):
    """Of a class of their own: they are arrays as well."""
    parameters, x, dy = draws(2, (8, 8), 3, rng)
    on_disk = np.memmap(tmp_path / "images", x.dtype, "w+", shape=x.shape)
    on_disk[...] = x
    wanted = results(parameters, x, dy, ReLUlayer())
    for a, b in zip(results(parameters, on_disk, dy, ReLUlayer()), wanted, strict=True):
        np.testing.assert_array_equal(a, b)


@compiled
def test_activations_that_change_a_function(rng):
    """Each of the three that a class may change; options alone change nothing."""

    class Forward(ReLUlayer):
        def forward(self, x):
            return super().forward(x - 1)

    class Derivative(LeakyReLUlayer):
        def derivative(self, y):
            return super().derivative(y)

    class Vjp(ReLUlayer):
        def vjp(self, dy, y):
            return super().vjp(dy, y)

    class Further(Forward):
        """Of a class that has lost it."""

    class Own(Forward):
        """Says itself that it is linear."""

        compiled_as = CompiledAs("two_slopes", 1.0)

        def forward(self, x):
            return x

    class Named(LeakyReLUlayer):
        """The same function."""

    parameters, x, dy = draws(2, (8, 8), 3, rng)
    for activation in (Forward(), Derivative(), Vjp(), Further()):
        assert activation.compiled_as is None
        results(parameters, x, dy, activation, is_compiled=False)
    for activation, slope in ((Own(), 1.0), (Named(0.3), 0.3)):
        assert activation.compiled_as == ("two_slopes", slope, 0.0)
        results(parameters, x, dy, activation)
    shifted = parameters.copy()
    shifted[1], shifted[3] = parameters[1] - 1, parameters[3] - 1
    found = results(parameters, x, dy, Forward(), is_compiled=False)
    expect_close(found, results(shifted, x, dy, ReLUlayer()))
