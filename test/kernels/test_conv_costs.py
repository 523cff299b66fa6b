"""What a convolution costs: memory, launches, waiting and copies to the device."""

import itertools
import tracemalloc

import pytest
from pool_peak import pool_peak
from threadpoolctl import threadpool_limits

from invertiblenetworks.backend import has_cuda_kernels
from invertiblenetworks.kernels import conv_cuda, conv_cuts, products_cuda
from invertiblenetworks.kernels.conv import (
    conv,
    conv_adjoint_w,
    conv_adjoint_x,
    conv_shape,
)
from invertiblenetworks.kernels.patches import Geometry, taps


def operands(rng, sizes, kernel=3, stride=1):
    """Images, kernels and a cotangent of the size that ``pad = kernel // 2`` gives."""
    n_samples, n_in, n_out = sizes
    spatial, kernel = (32, 32), (kernel, kernel)
    target = conv_shape(spatial, kernel, stride=stride, pad=kernel[0] // 2)
    x = rng.standard_normal((n_samples, n_in, *spatial))
    w = rng.standard_normal((n_out, n_in, *kernel))
    return x, w, rng.standard_normal((n_samples, n_out, *target))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("sizes", [(3, 2, 5), (2, 7, 2), (1, 1, 1)], ids=str)
def test_nothing_waits_or_crosses_over(sizes, stride, rng, to_xp, device_counters):
    x, w, dy = map(to_xp, operands(rng, sizes, stride=stride))
    device_counters.reset()
    conv(x, w, stride=stride, pad=1)
    conv_adjoint_x(dy, w, (32, 32), stride=stride, pad=1)
    conv_adjoint_w(dy, x, (3, 3), stride=stride, pad=1)
    assert device_counters.read() == (0, 0, 0)


def test_columns_are_made_where_they_are_small():
    """The taps of no axis, of the first, or of all are added after the product."""
    same = Geometry((8, 8), (8, 8), (3, 3), (1, 1), (1, 1))
    assert conv_cuts.axes_after(6, 256, same) == 0
    assert conv_cuts.axes_after(256, 12, same) == 2
    assert conv_cuts.axes_after(16, 16, same) == 1
    # 9 a + b, 3 (a + b) and a + 9 b copies for a and b channels.
    assert [conv_cuts.axes_after(1, n, same) for n in (2, 4)] == [1, 0]
    assert [conv_cuts.axes_after(n, 1, same) for n in (2, 4)] == [1, 2]
    # Half the resolution: copies are made where there are fewer pixels.
    halved = Geometry((8, 8), (4, 4), (2, 2), (2, 2), (0, 0))
    assert conv_cuts.axes_after(12, 3, halved) == 0
    assert conv_cuts.axes_after(3, 12, halved.reversed()) == 2


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("n_axes", [0, 1, 2])
def test_two_maps_one_after_the_other_are_the_map(n_axes, reverse):
    geometry = Geometry((7, 6), (4, 3), (3, 2), (2, 2), (1, 0))
    geometry = geometry.reversed() if reverse else geometry
    before, after = geometry.cut(n_axes)
    assert before.target == after.source
    assert (before.source, after.target) == (geometry.source, geometry.target)
    found = {(s, t) for s, m in pairs(before) for n, t in pairs(after) if m == n}
    assert found == set(pairs(geometry))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("stride", "pad"), [(1, 1), (2, 0), (3, 2)])
def test_rows_that_some_rows_need(stride, pad, reverse):
    target = conv_shape((7, 4), (2, 3), stride=stride, pad=pad)
    geometry = Geometry((7, 4), target, (2, 3), (stride,) * 2, (pad,) * 2)
    geometry = geometry.reversed() if reverse else geometry
    for start, stop in itertools.combinations(range(geometry.target[0] + 1), 2):
        found = geometry.onto_rows(slice(start, stop)).source_rows()
        rows = {s[0] for s, t in pairs(geometry) if start <= t[0] < stop}
        if rows:
            assert (found.start, found.stop) == (min(rows), max(rows) + 1)
        else:
            assert found.start == found.stop


def pairs(geometry):
    """All joined positions (source, target)."""
    return [
        pair
        for source, target in taps(geometry)
        for pair in zip(positions(source), positions(target), strict=True)
    ]


def positions(slices):
    return itertools.product(*(range(s.start, s.stop, s.step or 1) for s in slices))


def peak_of_new_bytes(xp, compute):
    """Most bytes that ``compute`` held at a time on one worker, its result included."""
    with threadpool_limits(1):
        return _peak_of_new_bytes(xp, compute)


def _peak_of_new_bytes(xp, compute):
    compute()  # what is made once is not counted
    if not has_cuda_kernels(xp):
        tracemalloc.start()
        compute()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak
    return pool_peak(compute)


@pytest.mark.parametrize("sizes", [(4, 16, 16), (4, 4, 48), (4, 48, 4)], ids=str)
def test_workspace_is_bounded(sizes, rng, xp, to_xp, monkeypatch):
    limit = 2**17
    monkeypatch.setattr(conv_cuts, "HOST_BYTES", limit)
    monkeypatch.setattr(conv_cuts, "CORRELATED_BYTES", limit)
    monkeypatch.setattr(conv_cuts, "HOST_PIXELS", 32)
    monkeypatch.setattr(conv_cuda, "DEVICE_BYTES", limit)
    x, w, dy = map(to_xp, operands(rng, sizes))
    for result, compute in [
        (dy, lambda: conv(x, w, pad=1)),
        (x, lambda: conv_adjoint_x(dy, w, (32, 32), pad=1)),
        (w, lambda: conv_adjoint_w(dy, x, (3, 3), pad=1)),
    ]:
        # Beside a tile with its rows of margin: weights in other orders.
        bound = result.nbytes + 1.5 * limit + 4 * w.nbytes
        # A result of the size of an image cannot come from nothing.
        least = 0 if result is w else result.nbytes
        assert least <= peak_of_new_bytes(xp, compute) < bound


def test_pointwise_needs_nothing_but_its_result(rng, xp, to_xp):
    x, w, dy = map(to_xp, operands(rng, (4, 16, 8), kernel=1))
    for result, compute in [
        (dy, lambda: conv(x, w)),
        (x, lambda: conv_adjoint_x(dy, w, (32, 32))),
        (w, lambda: conv_adjoint_w(dy, x, (1, 1))),
    ]:
        # On a GPU, products of parts of the images for the gradient of the kernels.
        parts = max(x.nbytes, dy.nbytes) // 4 if has_cuda_kernels(xp) else 0
        least = result.nbytes + 2**14
        assert peak_of_new_bytes(xp, compute) < least + (parts if result is w else 0)


def test_peak_of_a_3x3(rng, xp, to_xp):
    x, w, dy = operands(rng, (16, 16, 16))
    x, w, dy = (to_xp(array.astype("float32")) for array in (x, w, dy))
    if has_cuda_kernels(xp):
        # The result beside three copies of the images with a margin of two rows; the
        # products of parts of them beside these.
        bounds = [4.3 * x.nbytes, 4.3 * x.nbytes, 4.1 * x.nbytes]
    else:
        tile = conv_cuts.HOST_BYTES + 2**16
        bounds = [x.nbytes + tile, x.nbytes + tile, tile]
    assert peak_of_new_bytes(xp, lambda: conv(x, w, pad=1)) < bounds[0]
    dx = peak_of_new_bytes(xp, lambda: conv_adjoint_x(dy, w, (32, 32), pad=1))
    assert dx < bounds[1]
    dw = peak_of_new_bytes(xp, lambda: conv_adjoint_w(dy, x, (3, 3), pad=1))
    assert dw < bounds[2]


def launched_kernels(backend, compute):
    """Names of the kernels that ``compute`` launches, where that can be seen."""
    if backend.name != "emulated":
        compute()
        return []
    from doubles import cupy_on_cpu

    with cupy_on_cpu.launch_names() as names:
        compute()
    return names


@pytest.mark.parametrize(
    ("sizes", "copies", "n_products"),
    [
        ((4, 3, 5), ("gather", "gather", "gather"), (1, 3, 1)),
        ((4, 16, 2), ("scatter", "gather", "gather"), (1, 1, 1)),
        ((4, 2, 16), ("gather", "scatter", "gather"), (1, 1, 1)),
    ],
    ids=str,
)
def test_launches_of_a_3x3(sizes, copies, n_products, rng, backend, to_xp, monkeypatch):
    """On a GPU: one kernel that copies, few batches of products, little else."""
    products = []

    def count(name):
        function = getattr(products_cuda, name)

        def counted(*args, **options):
            products.append(name)
            function(*args, **options)

        monkeypatch.setattr(products_cuda, name, counted)

    count("multiply")
    count("_multiply_parts")
    x, w, dy = map(to_xp, operands(rng, sizes))
    computations = [
        lambda: conv(x, w, pad=1),
        lambda: conv_adjoint_x(dy, w, (32, 32), pad=1),
        lambda: conv_adjoint_w(dy, x, (3, 3), pad=1),
    ]
    for compute, copy, n in zip(computations, copies, n_products, strict=True):
        products.clear()
        names = launched_kernels(backend, compute)
        assert len(products) == (n if has_cuda_kernels(backend.xp) else 0)
        if backend.name == "emulated":
            assert sum(f"conv_{copy}" in name for name in names) == 1
            assert len(names) <= (5 if compute is computations[-1] else 2), names
