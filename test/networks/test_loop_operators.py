"""Facts about the data and operators that unrolled inverse problems take."""

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import aslinearoperator
from unrolled import N_SAMPLES, ONE_TAP, SMOOTH, problem, ready

from invertiblenetworks import NetworkLoop


class ProductsOnly:
    """An operator with products of vectors and nothing else."""

    def __init__(self, A):
        self.shape, self._A = A.shape, A

    def matvec(self, v):
        return self._A @ v

    def rmatvec(self, v):
        return self._A.conj().T @ v


class Counting:
    """An operator that counts the vectors it and its adjoint are applied to."""

    def __init__(self, A):
        self.shape, self._A = A.shape, A
        self.n_forward = self.n_adjoint = 0

    def __matmul__(self, columns):
        self.n_forward += columns.shape[1]
        return self._A @ columns

    @property
    def H(self):
        return self._Adjoint(self)

    class _Adjoint:
        def __init__(self, operator):
            self._operator = operator

        def __matmul__(self, columns):
            self._operator.n_adjoint += columns.shape[1]
            return self._operator._A.T @ columns


OPERATORS = {
    "sparse": scipy.sparse.csr_array,
    "LinearOperator": aslinearoperator,
    "products only": ProductsOnly,
    "own class": Counting,
}


@pytest.mark.parametrize("kind", OPERATORS)
@pytest.mark.parametrize("data_term", ["gradient", "gauss_newton"])
def test_all_kinds_of_operators_do_the_same(rng, kind, data_term):
    eta, s, d, A = problem(rng)
    net = NetworkLoop(3, 4, 2, "tanh", data_term=data_term, **SMOOTH)
    ready(net, rng, eta, s, d, A)
    operator = OPERATORS[kind](A)
    wanted, found = net.forward(eta, s, d, A), net.forward(eta, s, d, operator)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-11)
    wanted = net.adjoint_jacobian(eta, s, *wanted, d, A)
    found = net.adjoint_jacobian(eta, s, *found, d, operator)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-9, atol=1e-11)


def test_complex_data_are_real_and_imaginary_parts(rng):
    eta, s, d, A = problem(rng)
    _, _, e, B = problem(rng)
    together = np.concatenate([d, e], axis=1), np.concatenate([A, B])
    net = NetworkLoop(3, 4, 2, **SMOOTH)
    ready(net, rng, eta, s, *together)
    wanted = net.forward(eta, s, *together)
    found = net.forward(eta, s, d + 1j * e, A + 1j * B)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-12)
    assert found[0].dtype == "float64"
    wanted = net.backward(eta, s, *wanted, *together)
    found = net.backward(eta, s, *found, d + 1j * e, A + 1j * B)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-10)


def test_results_have_the_type_of_the_state(rng):
    eta, s, d, A = problem(rng)
    net = NetworkLoop(3, 4, 2, rng=0, **ONE_TAP)
    eta, s = eta.astype("float32"), s.astype("float32")
    out = net.forward(eta, s, d, A)  # data and operator in float64
    gradients = net.backward(eta, s, *out, d, A)
    assert {str(a.dtype) for a in (*out, *gradients)} == {"float32"}


def test_data_in_any_shape(rng):
    eta, s, d, A = arguments = problem(rng)
    net = ready(NetworkLoop(3, 4, 2, **SMOOTH), rng, *arguments)
    shots = d.reshape(N_SAMPLES, 2, 3)
    wanted, found = net.forward(*arguments), net.forward(eta, s, shots, A)
    np.testing.assert_array_equal(found[0], wanted[0])


@pytest.mark.parametrize(
    ("method", "times"),
    [("forward", 1), ("inverse", 1), ("backward", 2), ("jacobian", 2)],
)
def test_each_data_term_takes_one_product_with_the_operator_and_its_adjoint(
    rng, method, times
):
    eta, s, d, A = problem(rng)
    net = ready(NetworkLoop(3, 4, 5, "tanh", **SMOOTH), rng, eta, s, d, A)
    operator = Counting(A)
    slopes = {"backward": (eta, s), "jacobian": (eta, s, None)}.get(method, ())
    getattr(net, method)(*slopes, eta, s, d, operator)
    wanted = times * 5 * N_SAMPLES
    assert (operator.n_forward, operator.n_adjoint) == (wanted, wanted)


WRONG = {
    "too few pixels": (
        lambda d, A: (d, A[:, 1:]),
        ValueError,
        r"A of shape \(n_data, 12\) for 12 pixels, got the shape \(6, 11\)",
    ),
    "too many rows": (
        lambda d, A: (d, np.concatenate([A, A])),
        ValueError,
        r"d of shape \(2, 12\), got a float64 numpy array of shape \(2, 6\)",
    ),
    "one sample": (lambda d, A: (d[:1], A), ValueError, r"d of shape \(2, 6\)"),
    "vector as operator": (lambda d, A: (d, d[0]), ValueError, "shape of two numbers"),
    "no operator": (lambda d, A: (d, np.sin), TypeError, "A to be a linear operator"),
    "list as data": (lambda d, A: (d.tolist(), A), TypeError, "d to be an array"),
    "operator missing": (lambda d, A: (d, None), TypeError, "A to be a linear op"),
    "data missing": (lambda d, A: (None, A), TypeError, "d to be an array"),
    "both missing": (lambda d, A: (), TypeError, "expected a condition"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_data_or_operator_is_found_before_any_work(rng, wrong):
    eta, s, d, A = problem(rng)
    change, error, text = WRONG[wrong]
    net = NetworkLoop(3, 4, 2, **SMOOTH)
    with pytest.raises(error, match=rf"^NetworkLoop\.forward: .*{text}"):
        net.forward(eta, s, *change(d, A))
    assert not net.layers[0].net.initialized


def test_data_that_are_not_finite_leave_the_network_without_values(rng):
    eta, s, d, A = problem(rng)
    d[0, 0] = np.nan
    net = NetworkLoop(3, 4, 2, **SMOOTH)
    with pytest.raises(ValueError, match="NaN or infinity in the first batch"):
        net.forward(eta, s, d, A)
    assert not net.layers[0].net.initialized
