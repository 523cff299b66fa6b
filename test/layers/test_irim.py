"""Facts about the coupling of i-RIM beyond the contract."""

import numpy as np
import pytest
from randomized import randomized

from invertiblenetworks import Conv1x1, CouplingLayerIRIM, ResidualBlock


def irim(n_in, rng, **options):
    options = {"k1": 3, "p1": 1, "s1": 1, "dtype": "float64", "rng": 0, **options}
    return randomized(CouplingLayerIRIM(n_in, 4, **options), rng)


def on_channels(matrix, x):
    return np.einsum("ij,njab->niab", matrix, x)


@pytest.mark.parametrize("n_in", [2, 5, 8])
def test_step_written_out(n_in, rng):
    layer = irim(n_in, rng, logdet=True)
    conv, coupling, _ = layer.layers
    # Columns of the orthogonal matrix that the convolution applies to each pixel.
    matrix = conv.forward(np.eye(n_in)).T
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(n_in), atol=1e-14)
    x = rng.normal(size=(2, n_in, 4, 4))
    mixed = on_channels(matrix, x)
    k = n_in // 2
    mixed[:, k:] += coupling.net.forward(mixed[:, :k])
    y, logdet = layer.forward(x)
    np.testing.assert_allclose(y, on_channels(matrix.T, mixed), atol=1e-13)
    assert abs(y - x).max() > 0.01
    assert logdet == 0.0


def test_convolution_gets_both_of_its_gradients(rng, to_xp, to_numpy, layer_to_xp):
    layer = irim(4, rng)
    first, coupling, last = layer.layers
    before, after = (Conv1x1(*(p.data for p in first.get_params())) for _ in range(2))
    dy, y = rng.normal(size=(2, 2, 4, 4, 4))
    layer_to_xp(layer).backward(to_xp(dy), to_xp(y))
    first, coupling, last = layer_to_xp(layer).layers
    d, state = layer_to_xp(after).backward_inv(to_xp(dy), to_xp(y))
    d, state = coupling.backward(d, state)
    layer_to_xp(before).backward(d, state)
    assert last.layer is first
    for p, b, a in zip(
        layer.get_params()[:3], before.get_params(), after.get_params(), strict=True
    ):
        assert min(np.linalg.norm(to_numpy(q.grad)) for q in (b, a)) > 0
        np.testing.assert_allclose(
            to_numpy(p.grad), to_numpy(b.grad + a.grad), rtol=1e-10, atol=1e-12
        )


def test_parts_may_be_given(rng):
    conv = Conv1x1(6, dtype="float64", rng=0)
    net = ResidualBlock(3, 4, n_out=6, dtype="float64", rng=0)
    layer = CouplingLayerIRIM(conv, net)
    assert layer.layers[0] is conv
    assert layer.layers[1].net is net
    x = rng.normal(size=(2, 6, 4, 4))
    np.testing.assert_allclose(layer.inverse(layer.forward(x)), x, atol=1e-12)


def test_works_at_a_quarter_of_the_resolution(rng):
    layer = CouplingLayerIRIM(8, 4, dtype="float64", rng=0)
    x = rng.normal(size=(2, 8, 28, 28))
    np.testing.assert_allclose(layer.inverse(layer.forward(x)), x, atol=1e-12)
    with pytest.raises(ValueError, match=r"^CouplingLayerIRIM\.forward: expected size"):
        layer.forward(x[..., :27])


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="CouplingLayerIRIM: expected n_in of at"):
        CouplingLayerIRIM(1, 4)
