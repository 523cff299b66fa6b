"""Calls on vectors: who shares the work, and how states are laid out."""

import numpy as np
import pytest
from blas import blas_threads
from threadpoolctl import threadpool_limits

import invertiblenetworks as inn
from invertiblenetworks.kernels import workers


class Watched(inn.ActNorm):
    """A layer that notes what threads a call on it may use."""

    def _forward(self, x, cond):
        self.seen = {"blas": blas_threads(), "workers": workers.n_workers()}
        return super()._forward(x, cond)


@pytest.mark.parametrize("n_axes", [0, 1, 2, 3])
def test_vectors_have_the_threads_of_the_blas(n_axes, each_library, rng):
    """Unless kernels are compiled: these let workers run side by side."""
    layer = Watched(3)
    with threadpool_limits(2):
        layer.forward(rng.standard_normal((4, 3) + (2,) * n_axes, "float32"))
        after = {"blas": blas_threads(), "workers": workers.n_workers()}
    in_products, among_workers = dict(blas=2, workers=1), dict(blas=1, workers=2)
    shares = n_axes > 0 or each_library is not None
    assert layer.seen == (among_workers if shares else in_products)
    assert after == dict(blas=2, workers=2)


def test_the_outermost_call_decides(rng):
    class Outer(inn.ActNorm):
        def _forward(self, x, cond):
            self.inner = Watched(3)
            self.inner.forward(rng.standard_normal((4, 3), "float32"))
            return super()._forward(x, cond)

    outer = Outer(3)
    with threadpool_limits(2):
        outer.forward(rng.standard_normal((4, 3, 2, 2), "float32"))
    assert outer.inner.seen == dict(blas=1, workers=2)


def test_one_image_among_the_arguments_is_enough():
    vectors, images = np.zeros((2, 3)), np.zeros((2, 3, 4))
    assert workers._are_vectors([vectors, None, 0.5, (vectors, vectors), [images]])
    assert not workers._are_vectors([vectors, images])
    assert not workers._are_vectors([(vectors, images)])


def test_threads_are_as_before_after_an_error(rng):
    layer = Watched(3)
    with threadpool_limits(2):
        with pytest.raises(ValueError, match="channels"):
            layer.forward(rng.standard_normal((4, 5), "float32"))
        assert workers.n_workers() == 2


@pytest.mark.parametrize("order", ["C", "F"])
def test_states_of_vectors_are_laid_out_by_channel(order, rng):
    net = inn.NetworkGlow(6, 8, L=1, K=2, ndims=0, rng=0, dtype="float64")
    x = np.asarray(rng.standard_normal((16, 6)), order=order)
    y, _ = net.forward(x)
    dx, x_again = net.backward(y, y)
    for state in (y, dx, x_again):
        assert state.flags.f_contiguous


def test_the_layout_of_vectors_does_not_matter(rng):
    net = inn.NetworkGlow(6, 8, L=1, K=2, ndims=0, rng=0, dtype="float64")
    x = rng.standard_normal((16, 6))
    net.forward(x)
    for parameter in net.get_params():
        parameter.set(parameter.data + 0.1 * rng.standard_normal(parameter.shape))
    wide = np.zeros((32, 12))
    wide[::2, ::2] = x
    results = []
    for same in (x, np.asfortranarray(x), wide[::2, ::2]):
        y, logdet = net.forward(same)
        dx, dtheta, x_again = net.adjoint_jacobian(same, y)
        results.append([y, logdet, dx, x_again, *dtheta])
    for result in results[1:]:
        for ours, first in zip(result, results[0], strict=True):
            np.testing.assert_allclose(ours, first, rtol=1e-11, atol=1e-13)
