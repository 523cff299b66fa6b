"""Products on a device: operands of any layout, parts that do not divide, memory.

Where there are no kernels the same sums are plain products, see `householder`.
"""

import numpy as np
import pytest
from pool_peak import pool_peak

from invertiblenetworks.backend import has_cuda_kernels
from invertiblenetworks.kernels import products_cuda
from invertiblenetworks.kernels.householder import channel_gram
from invertiblenetworks.kernels.products import product

pytestmark = pytest.mark.kernels

LAYOUTS = {"rows": (0, 1, 2), "columns": (0, 2, 1), "samples last": (1, 2, 0)}

left_layout = pytest.mark.parametrize("left", [*LAYOUTS, "gaps", "backwards"])
right_layout = pytest.mark.parametrize("right", [*LAYOUTS, "gaps", "backwards"])


def in_layout(to_xp, array, layout):
    """The array of three axes, in memory as the layout says."""
    if layout == "gaps":
        return to_xp(np.repeat(array, 2, axis=1))[:, ::2]
    if layout == "backwards":
        return to_xp(np.ascontiguousarray(array[:, ::-1, ::-1]))[:, ::-1, ::-1]
    order = LAYOUTS[layout]
    moved = to_xp(np.ascontiguousarray(array.transpose(order)))
    return moved.transpose(np.argsort(order).tolist())


@left_layout
@right_layout
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gram_of_any_layout(left, right, dtype, rng, to_xp, to_numpy):
    a, b = (rng.standard_normal((3, n, 130)).astype(dtype) for n in (4, 5))
    gram = channel_gram(in_layout(to_xp, a, left), in_layout(to_xp, b, right))
    expected = np.einsum("nap,nbp->ab", a, b)
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(to_numpy(gram), expected, tolerance, tolerance)


@left_layout
@right_layout
def test_product_of_any_layout(left, right, rng, to_xp, to_numpy):
    a, b = rng.standard_normal((1, 4, 6)), rng.standard_normal((1, 6, 5))
    found = product(in_layout(to_xp, a, left)[0], in_layout(to_xp, b, right)[0])
    np.testing.assert_allclose(to_numpy(found), a[0] @ b[0], 1e-12)


@pytest.mark.parametrize("shapes", [((4, 6), (6,)), ((6,), (6, 5)), ((0, 3), (3, 2))])
def test_product_with_vectors_and_of_nothing(shapes, rng, to_xp, to_numpy):
    a, b = (rng.standard_normal(shape) for shape in shapes)
    found = to_numpy(product(to_xp(a), to_xp(b)))
    assert found.shape == (a @ b).shape
    np.testing.assert_allclose(found, a @ b, 1e-12)


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("out_layout", ["rows", "columns"])
def test_products_of_one_matrix_with_a_batch(out_layout, add, rng, xp, to_xp, to_numpy):
    a, b = rng.standard_normal((1, 4, 6)), rng.standard_normal((3, 6, 5))
    before = rng.standard_normal((3, 4, 5))
    if not has_cuda_kernels(xp):
        assert not hasattr(xp, "ElementwiseKernel")
        return
    out = in_layout(to_xp, before, out_layout)
    products_cuda.multiply(to_xp(a), to_xp(b), out, add=add)
    np.testing.assert_allclose(to_numpy(out), a @ b + (before if add else 0), 1e-12)


@pytest.mark.parametrize("n", [1, 31, 97, 128, 210])
@pytest.mark.parametrize("n_windows", [1, 3])
def test_parts_and_windows(n, n_windows, rng, xp, to_xp, to_numpy, monkeypatch):
    """Also where the parts do not divide the pixels."""
    monkeypatch.setattr(products_cuda, "LEAST_SHARE", 1)
    shift = 4
    a = rng.standard_normal((2, 3, n))
    b = rng.standard_normal((2, 5, n + (n_windows - 1) * shift))
    if not has_cuda_kernels(xp):
        assert products_cuda.parts_of(n, 2 * n_windows, 3, 5, n_windows) >= 1
        return
    found = products_cuda.correlate(to_xp(a), to_xp(b), n_windows, shift)
    for window, matrix in enumerate(to_numpy(found)):
        seen = b[:, :, window * shift : window * shift + n]
        expected = np.einsum("nap,nbp->ab", a, seen)
        np.testing.assert_allclose(matrix, expected, 1e-11)


def test_number_of_parts():
    """Enough to keep a GPU busy, but their products take little memory."""
    parts_of = products_cuda.parts_of
    assert parts_of(16384, 8, 12, 12) == 128  # One tile for each of eight samples.
    assert parts_of(16384, 8, 256, 256) == 8  # Sixteen tiles.
    assert parts_of(64, 8, 64, 64) == 1  # Products as large as the operands.
    assert 16384 % parts_of(16384, 24, 64, 18, 3) == 0
    assert parts_of(97, 1, 1, 1) in range(13, 25)  # A prime.


def test_few_launches_and_little_memory(rng, backend, to_xp):
    a, b = (to_xp(rng.standard_normal((4, n, 4096), "float32")) for n in (8, 16))
    if not has_cuda_kernels(backend.xp):
        return
    channel_gram(a, b)
    addresses = 2**16
    assert pool_peak(lambda: channel_gram(a, b)) <= b.nbytes // 4 + addresses
    if backend.name == "emulated":
        from doubles import cupy_on_cpu

        with cupy_on_cpu.launch_names() as names:
            channel_gram(a, b)
        assert names == ["addresses_of_parts", "cupy_sum"]


def test_nothing_waits(rng, to_xp, device_counters):
    a, b = (to_xp(rng.standard_normal((2, n, 97))) for n in (3, 5))
    device_counters.reset()
    channel_gram(a, b)
    product(a[0], b[0].T)
    assert device_counters.read() == (0, 0, 0)


def test_the_same_each_time(rng, to_xp, to_numpy):
    a = to_xp(rng.standard_normal((4, 8, 4096), "float32"))
    first, second = (to_numpy(channel_gram(a, a)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
