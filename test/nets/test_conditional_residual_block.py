"""Facts about the residual block that sees data."""

import numpy as np
import pytest

from invertiblenetworks import ConditionalResidualBlock, par2vec, vec2par


def randomised(rng, *arguments, **options):
    net = ConditionalResidualBlock(*arguments, dtype="float64", rng=0, **options)
    vector, shapes = par2vec(net.get_params())
    net.set_params(vec2par(rng.normal(size=vector.shape), shapes))
    return net


def test_formula_written_out(rng):
    net = randomised(rng, (2, 3, 2), (1, 5), 4, k1=1, p1=0, k2=1, p2=0)
    w0, b0, w1, w2, w3, b1, b2 = (p.data for p in net.get_params())
    x, d = rng.normal(size=(3, 2, 3, 2)), rng.normal(size=(3, 1, 5))

    def pointwise(w, h):
        return np.einsum("oc,nchw->nohw", w[:, :, 0, 0], h)

    e = np.maximum(d.reshape(3, 5) @ w0.T + b0, 0).reshape(x.shape)
    h1 = pointwise(w1, np.concatenate([x, e], axis=1)) + b1[:, None, None]
    h1 = np.maximum(h1, 0)
    h2 = np.maximum(h1 + pointwise(w2, h1) + b2[:, None, None], 0)
    wanted = np.maximum(pointwise(w3.swapaxes(0, 1), h2), 0)
    np.testing.assert_allclose(net.forward(x, d), wanted, atol=1e-12)
    assert wanted.any()


def test_any_batch_size(rng):
    net = randomised(rng, (1, 4, 4), (2, 3, 3), 2)
    for n in (1, 5):
        x, d = rng.normal(size=(n, 1, 4, 4)), rng.normal(size=(n, 2, 3, 3))
        dx, dd = net.backward(net.forward(x, d), x, d)
        assert (dx.shape, dd.shape) == (x.shape, d.shape)


def test_shapes_are_checked(rng):
    with pytest.raises(ValueError, match=r"shape_d to be \(channels, \*spatial\)"):
        ConditionalResidualBlock((1, 4), (), 2)
    net = randomised(rng, (1, 4), (2, 3), 2)
    x = rng.normal(size=(2, 1, 4))
    # As many numbers, in another shape: no silent reordering.
    with pytest.raises(ValueError, match=r"the condition of shape \(N, 2, 3\)"):
        net.forward(x, rng.normal(size=(2, 3, 2)))
    with pytest.raises(ValueError, match=r"expected x of shape \(N, 1, 4\)"):
        net.forward(rng.normal(size=(2, 1, 6)), rng.normal(size=(2, 2, 3)))
