"""Facts about products with operators of every kind."""

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from invertiblenetworks.kernels.linear_maps import apply, apply_adjoint

SHAPE = (3, 4)


def matrix(kind="real"):
    rng = np.random.default_rng(7)
    real, imaginary = rng.standard_normal((2, *SHAPE))
    return real + 1j * imaginary if kind == "complex" else real


class OwnClass:
    """Nothing but products with vectors."""

    def __init__(self, a):
        self.shape, self._a = a.shape, a

    def matvec(self, v):
        assert v.ndim == 1
        return self._a @ v

    def rmatvec(self, v):
        assert v.ndim == 1
        return self._a.conj().T @ v


class OnImages:
    """Only ``@`` and ``H``, in float64, with results shaped as images."""

    def __init__(self, a):
        self.shape, self._a = a.shape, a

    def __matmul__(self, columns):
        product = self._a @ columns.astype("float64")
        image = (2, 2) if len(product) == 4 else (3, 1)
        return product.reshape(*image, columns.shape[1])

    @property
    def H(self):
        return OnImages(self._a.conj().T)


KINDS = {
    "matrix": lambda a: a,
    "sparse matrix": scipy.sparse.csr_matrix,
    "sparse array": scipy.sparse.coo_array,
    "LinearOperator": aslinearoperator,
    "composed": lambda a: 2.0 * aslinearoperator(a) @ aslinearoperator(np.eye(4) / 2.0),
    "own class": OwnClass,
    "on images": OnImages,
}


@pytest.mark.parametrize("n_columns", [1, 3, 4])
@pytest.mark.parametrize("entries", ["real", "complex"])
@pytest.mark.parametrize("kind", KINDS)
def test_product_and_adjoint(rng, kind, entries, n_columns):
    a = matrix(entries)
    operator = KINDS[kind](a)
    u, v = rng.normal(size=(4, n_columns)), rng.normal(size=(3, n_columns))
    np.testing.assert_allclose(apply(operator, u), a @ u, atol=1e-14)
    wanted = a.conj().T @ v
    np.testing.assert_allclose(apply_adjoint(operator, v), wanted, atol=1e-14)


def test_functions_of_linear_operators_meet_vectors():
    def first_three(v):
        assert v.ndim == 1
        return v[:3]

    def pad(w):
        assert w.ndim == 1
        return np.append(w, 0.0)

    operator = LinearOperator(SHAPE, matvec=first_three, rmatvec=pad, dtype=float)
    product = apply(operator, np.eye(4))
    np.testing.assert_array_equal(product, np.eye(3, 4))
    np.testing.assert_array_equal(apply_adjoint(operator, np.eye(3)), np.eye(4, 3))


def test_complex_columns(rng):
    a, v = matrix("complex"), rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))
    wanted = a.conj().T @ v
    for kind in ("matrix", "sparse array", "LinearOperator", "own class"):
        found = apply_adjoint(KINDS[kind](a), v)
        np.testing.assert_allclose(found, wanted, atol=1e-14)


def test_matrices_of_numpy_give_plain_arrays(rng):
    with pytest.warns(PendingDeprecationWarning):
        product = apply(np.matrix(matrix()), rng.normal(size=(4, 2)))
    assert type(product) is np.ndarray


@pytest.mark.parametrize("kind", KINDS)
def test_results_keep_the_precision_of_the_columns(kind):
    columns, data = np.ones((4, 2), "float32"), np.ones((3, 2), "float32")
    for entries, dtype in (("real", "float32"), ("complex", "complex64")):
        operator = KINDS[kind](matrix(entries))
        assert apply(operator, columns).dtype == dtype
        assert apply_adjoint(operator, data).dtype == dtype
    assert apply(KINDS[kind](matrix()), columns.astype("float64")).dtype == "float64"


def test_matrices_stay_in_their_library(xp, to_xp, to_numpy, device_counters, rng):
    a, u = matrix(), rng.normal(size=(4, 2))
    operator, columns = to_xp(a), to_xp(u)
    device_counters.reset()
    product = apply(operator, columns)
    back = apply_adjoint(operator, product)
    assert tuple(device_counters.read()) == (0, 0, 0)
    np.testing.assert_allclose(to_numpy(back), a.T @ a @ u, atol=1e-13)


def test_what_is_no_operator_is_refused():
    columns = np.ones((4, 2))
    with pytest.raises(TypeError, match="apply: expected a linear operator"):
        apply(3.0, columns)
    with pytest.raises(TypeError, match="apply_adjoint: expected a linear operator"):
        apply_adjoint("A", columns)
    without_adjoint = LinearOperator(SHAPE, matvec=lambda v: v[:3], dtype=float)
    with pytest.raises(NotImplementedError):
        apply_adjoint(without_adjoint, np.ones((3, 2)))


def test_results_of_a_wrong_size_are_refused():
    operator = OwnClass(matrix())
    operator.shape = (5, 4)
    with pytest.raises(ValueError, match="apply: expected 5 numbers per column"):
        apply(operator, np.ones((4, 2)))
