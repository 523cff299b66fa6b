"""Products cut into parts, for the small kernels of a BLAS."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from invertiblenetworks.kernels import blas, product_sum, products
from invertiblenetworks.kernels.product_sum import ProductSum
from invertiblenetworks.kernels.products import multiply, parts_of
from invertiblenetworks.kernels.workspace import scratch_matrix


@pytest.mark.usefixtures("small_kernels")
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("m", "k", "n"), [(3, 4, 16), (3, 4, 50), (5, 2, 64), (1, 1, 33), (2, 3, 5)]
)
def test_product_is_that_of_the_matrices(m, k, n, order, rng, to_xp, to_numpy):
    a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    wide = to_xp(np.full((m, n + 3), np.nan))
    multiply(to_xp(np.array(a, order=order)), to_xp(b), out=wide[:, :n])
    np.testing.assert_allclose(to_numpy(wide[:, :n]), a @ b, rtol=1e-13)
    assert np.isnan(to_numpy(wide[:, n:])).all()


@pytest.mark.parametrize("n", [1, 15, 16, 17, 100, 256, 257, 1000, 4096])
@pytest.mark.parametrize("most", [16, 70, 256])
def test_parts_are_of_one_length(n, most):
    """All columns but fewer than a part, in parts that are lines or all there is."""
    length, n_parts = parts_of(n, most)
    assert length <= most
    assert 0 <= n - length * n_parts < length
    assert n_parts == 1 or length % products.UNIT == 0


@pytest.fixture
def multiplied(monkeypatch):
    """Shapes of the factors of all products of a call, on small kernels."""
    found = []

    def matmul(a, b, out=None):
        found.append((a.shape, b.shape))
        return np.matmul(a, b, out=out)

    xp = SimpleNamespace(matmul=matmul, zeros=np.zeros)
    for module in (products, product_sum):
        monkeypatch.setattr(module, "get_array_module", lambda x: xp)
    monkeypatch.setattr(products, "on_host", lambda xp: True)
    monkeypatch.setattr(products, "has_small_kernels", lambda: True)
    return found


def n_multiplications(a, b):
    return a[-2] * a[-1] * b[-1]


def matrices(rng, *shapes):
    return [rng.standard_normal(shape).astype("float32") for shape in shapes]


@pytest.mark.parametrize(("m", "k"), [(64, 55), (128, 109), (32, 288), (16, 16)])
def test_parts_are_small_enough_and_one_call(m, k, multiplied, rng):
    a, b, out = matrices(rng, (m, k), (k, 4096), (m, 4096))
    multiply(a, b, out=out)
    (call,) = [call for call in multiplied if call[1][0] > 1]
    assert 0 < n_multiplications(*call) <= products.MOST_MULTIPLICATIONS
    assert n_multiplications(*call) > products.MOST_MULTIPLICATIONS / 4 or m * k < 1000


@pytest.mark.parametrize(("m", "k", "n"), [(256, 256, 4096), (64, 64, 63)])
def test_wide_or_short_products_are_whole(m, k, n, multiplied, rng):
    a, b, out = matrices(rng, (m, k), (k, n), (m, n))
    multiply(a, b, out=out)
    assert multiplied == [((m, k), (k, n))]


@pytest.mark.parametrize(("m", "turned"), [(64, True), (256, False)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_only_weights_of_cut_products_are_copied(m, turned, order, rng, monkeypatch):
    """Turning wide weights takes longer than is gained."""
    monkeypatch.setattr(products, "has_small_kernels", lambda: True)
    weights = np.array(rng.standard_normal((m, m)), order=order)
    found = products.arranged(weights)
    np.testing.assert_array_equal(found, weights)
    copied = turned and order == "C"
    assert np.shares_memory(found, weights) != copied
    assert found.flags.f_contiguous == (turned or order == "F")


@pytest.mark.parametrize(
    ("rows", "block"),
    [((64, 55), 8), ((55, 64), 8), ((109, 128), 8), ((129, 128), 4), ((5, 36), 4)],
)
def test_sums_are_cut_along_the_side_that_can_be_cut(rows, block, multiplied, rng):
    left, right = matrices(rng, (rows[0], 2048), (rows[1], 2048))
    ProductSum().add(left, right)
    (call,) = multiplied
    assert call[1][-1] == block
    assert n_multiplications(*call) <= products.MOST_MULTIPLICATIONS


@pytest.mark.parametrize("rows", [(256, 257), (55, 9), (1, 1)])
def test_sums_that_cannot_be_cut_are_whole(rows, multiplied, rng):
    ProductSum().add(*matrices(rng, (rows[0], 1024), (rows[1], 1024)))
    assert [len(shape) for shape in multiplied[0]] == [2, 2]


def test_nothing_is_cut_on_a_device(xp):
    assert products.cuts(xp) == (xp is np and blas.has_small_kernels())


@pytest.mark.parametrize(
    ("architectures", "wanted"),
    [(["SkylakeX"], True), (["Haswell"], False), ([None, "Sapphirerapids"], True)],
)
def test_which_processors_have_small_kernels(architectures, wanted, monkeypatch):
    """A BLAS that is not OpenBLAS tells no architecture."""
    libraries = [
        SimpleNamespace(**({"architecture": name} if name else {}))
        for name in architectures
    ]
    monkeypatch.setattr(blas, "libraries", lambda: libraries)
    assert blas.has_small_kernels.__wrapped__() is wanted


def test_a_product_makes_no_copies(rng):
    """NumPy would copy what has no order that BLAS takes."""
    like = np.zeros(1, "float32")
    b, out = (scratch_matrix(role, 64, 4096, like) for role in ("test b", "test out"))
    b[...] = out[...] = 1
    a = np.asfortranarray(rng.standard_normal((64, 64)).astype("float32"))
    multiply(a, b, out=out)
    tracemalloc.start()
    try:
        multiply(a, b, out=out)
        assert tracemalloc.get_traced_memory()[1] < 4096
    finally:
        tracemalloc.stop()
