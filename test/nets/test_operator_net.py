"""Facts about linear operators as nets."""

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import LinearOperator

from invertiblenetworks import Conv, Jacobian, OperatorNet

SHAPE_IN, SHAPE_OUT = (1, 2, 3), (2, 2)


def fourier():
    """Some coefficients of an image: complex data."""

    def matvec(v):
        return np.fft.fft2(v.reshape(2, 3)).ravel()[:4]

    def rmatvec(w):
        image = np.concatenate([w, np.zeros(2)]).reshape(2, 3)
        return 6 * np.fft.ifft2(image).ravel()

    return LinearOperator((4, 6), matvec=matvec, rmatvec=rmatvec, dtype=complex)


def test_each_sample_is_a_vector(rng):
    a, x = rng.normal(size=(4, 6)), rng.normal(size=(3, *SHAPE_IN))
    y = OperatorNet(a, SHAPE_IN, SHAPE_OUT).forward(x)
    for sample, image in zip(y, x, strict=True):
        np.testing.assert_allclose(sample.ravel(), a @ image.ravel(), atol=1e-14)


def test_real_part_of_a_complex_operator(rng):
    net = OperatorNet(fourier(), SHAPE_IN, SHAPE_OUT)
    x, dy = rng.normal(size=(3, *SHAPE_IN)), rng.normal(size=(3, *SHAPE_OUT))
    y = net.forward(x)
    wanted = np.fft.fft2(x).real.reshape(3, 6)[:, :4]
    np.testing.assert_allclose(y.reshape(3, 4), wanted, atol=1e-13)
    dx = net.backward(dy, x)
    assert (y.dtype, dx.dtype) == ("float64", "float64")
    np.testing.assert_allclose(np.vdot(y, dy), np.vdot(x, dx), atol=1e-12)


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_precision_is_that_of_the_input(rng, kind):
    net = OperatorNet(kind(rng.normal(size=(4, 6))), SHAPE_IN, SHAPE_OUT)
    x = rng.normal(size=(3, *SHAPE_IN)).astype("float32")
    y = net.forward(x)
    assert (y.dtype, net.backward(y, x).dtype) == ("float32", "float32")


def test_jacobian_of_a_net_is_an_operator(rng):
    point, x = rng.normal(size=(1, *SHAPE_IN)), rng.normal(size=(3, *SHAPE_IN))
    conv = Conv(1, 2, 1, dtype="float64", rng=0)
    net = OperatorNet(Jacobian(conv, point, "input"), SHAPE_IN, (2, 2, 3))
    conv.b.data[...] = 0.0
    np.testing.assert_allclose(net.forward(x), conv.forward(x), atol=1e-14)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"an operator of shape \(4, 6\)"):
        OperatorNet(np.ones((6, 4)), SHAPE_IN, SHAPE_OUT)
    with pytest.raises(ValueError, match=r"an operator of shape \(4, 6\)"):
        OperatorNet(abs, SHAPE_IN, SHAPE_OUT)
    net = OperatorNet(np.ones((4, 6)), SHAPE_IN, SHAPE_OUT)
    with pytest.raises(ValueError, match=r"samples of shape \(1, 2, 3\)"):
        net.forward(np.ones((1, 1, 3, 2)))
