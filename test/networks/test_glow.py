"""Facts about NetworkGlow beyond the contract."""

import numpy as np
import pytest

from invertiblenetworks import (
    ActNorm,
    CouplingLayerGlow,
    HaarLayer,
    NetworkGlow,
    WaveletLayer,
    load,
    reverse,
    save,
)


def trained_a_little(net, x, rng):
    """Move the parameters, so that the couplings no longer start as the identity.

    The first batch comes after that and keeps the states normalised. Larger moves
    make a deep network ill-conditioned, which no inverse survives.
    """
    for p in net.get_params():
        if p.initialized:
            p.data += 0.03 * rng.normal(size=p.shape).astype(p.dtype)
    net.forward(x)
    return net


def test_round_trip_of_a_deep_network_in_double_precision(rng):
    x = rng.normal(size=(2, 3, 16, 16))
    net = NetworkGlow(3, 8, 3, 8, split_scales=True, dtype="float64", rng=0)
    trained_a_little(net, x, rng)
    z, _ = net.forward(x)
    error = np.linalg.norm(net.inverse(z) - x) / np.linalg.norm(x)
    assert error < 1e-12
    _, x_again = net.backward(z / 2, z)
    assert np.linalg.norm(x_again - x) / np.linalg.norm(x) < 1e-12


@pytest.mark.parametrize("squeezer", [None, HaarLayer(), WaveletLayer("db2")])
@pytest.mark.parametrize(("n_in", "spatial"), [(1, (8,)), (2, (8, 4)), (1, (4, 4, 4))])
def test_latent_has_the_shape_of_the_input(rng, squeezer, n_in, spatial):
    net = NetworkGlow(
        n_in, 4, 2, 1, split_scales=True, ndims=len(spatial), squeezer=squeezer, rng=0
    )
    x = rng.normal(size=(3, n_in, *spatial)).astype("float32")
    z, _ = net.forward(x)
    assert z.shape == x.shape


def test_sampling_needs_no_forward_pass_and_no_batch_size(rng, tmp_path):
    options = dict(split_scales=True, dtype="float64")
    trained = NetworkGlow(1, 4, 2, 2, rng=0, **options)
    x = rng.normal(size=(6, 1, 8, 8))
    z, _ = trained_a_little(trained, x, rng).forward(x)
    save(tmp_path / "glow.npz", trained)
    fresh = NetworkGlow(1, 4, 2, 2, rng=1, **options)
    load(tmp_path / "glow.npz", fresh)
    np.testing.assert_allclose(fresh.inverse(z[:1]), x[:1], atol=1e-12)


def test_each_sample_has_its_own_latent(rng):
    net = NetworkGlow(1, 4, 2, 2, split_scales=True, dtype="float64", rng=0)
    x = rng.normal(size=(3, 1, 8, 8))
    z, _ = trained_a_little(net, x, rng).forward(x)
    x[1] += 1.0
    z_changed, _ = net.forward(x)
    np.testing.assert_allclose(z_changed[[0, 2]], z[[0, 2]], atol=1e-12)
    assert abs(z_changed[1] - z[1]).max() > 0.1


def test_without_scales_all_steps_are_at_full_resolution():
    net = NetworkGlow(4, 8, 2, 3)
    kinds = [type(layer) for layer in net.layers]
    assert kinds == [ActNorm, CouplingLayerGlow] * 6
    assert len(net.get_params()) == 10 * 2 * 3


def test_one_channel_is_always_squeezed(rng):
    net = NetworkGlow(1, 4, 1, 1, rng=0)
    with pytest.raises(ValueError, match="divisible by 2"):
        net.forward(rng.normal(size=(2, 1, 3, 3)).astype("float32"))


def test_indivisible_size_names_the_divisor_and_leaves_the_network_alone(rng):
    net = NetworkGlow(1, 4, 3, 1, split_scales=True, rng=0)
    with pytest.raises(
        ValueError,
        match=r"^NetworkGlow\.forward: expected spatial sizes divisible by 8",
    ):
        net.forward(rng.normal(size=(2, 1, 12, 16)).astype("float32"))
    assert not any(p.initialized for p in (net.get_params()[0], net.get_params()[1]))


def test_dense_network(rng):
    net = NetworkGlow(
        1, 4, 2, 2, nx=8, dense=True, ndims=1, split_scales=True, dtype="float64", rng=0
    )
    x = rng.normal(size=(3, 1, 8))
    z, _ = trained_a_little(net, x, rng).forward(x)
    np.testing.assert_allclose(net.inverse(z), x, atol=1e-12)


def test_vectors(rng):
    net = NetworkGlow(6, 8, 1, 3, ndims=0, dtype="float64", rng=0)
    x = rng.normal(size=(5, 6))
    z, _ = trained_a_little(net, x, rng).forward(x)
    np.testing.assert_allclose(net.inverse(z), x, atol=1e-12)


def test_log_determinant_of_the_inverse(rng):
    net = NetworkGlow(2, 4, 1, 2, dtype="float64", rng=0)
    x = rng.normal(size=(3, 2, 4, 4))
    z, logdet = trained_a_little(net, x, rng).forward(x)
    _, logdet_inverse = reverse(net).forward(z)
    np.testing.assert_allclose(logdet, -logdet_inverse, rtol=1e-12)


def test_the_density_of_a_linear_flow_is_gaussian(rng):
    # Couplings start as the identity, so the map is affine: x = A z + m.
    net = NetworkGlow(2, 4, 1, 3, ndims=0, dtype="float64", rng=0)
    x = rng.normal(size=(50, 2)) @ np.array([[2.0, 0.0], [1.0, 0.5]]) + 3.0
    net.forward(x)
    m = net.inverse(np.zeros((1, 2)))
    a = (net.inverse(np.eye(2)) - m).T
    covariance = a @ a.T
    centred = x - m
    wanted = -0.5 * np.einsum(
        "ni,ij,nj->n", centred, np.linalg.inv(covariance), centred
    )
    wanted -= 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
    np.testing.assert_allclose(net.log_prob(x), wanted, rtol=1e-11)


def test_frozen_convolutions_get_no_gradient(rng):
    net = NetworkGlow(2, 4, 1, 1, freeze_conv=True, rng=0)
    z, _ = net.forward(rng.normal(size=(3, 2, 4, 4)).astype("float32"))
    net.backward(z / 3, z)
    grads = {name: p.grad is not None for name, p in net.named_params().items()}
    assert not any(has for name, has in grads.items() if ".v." in name)
    assert all(has for name, has in grads.items() if ".v." not in name)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="NetworkGlow: expected K"):
        NetworkGlow(2, 4, 1, 0)
    with pytest.raises(
        ValueError, match="NetworkGlow: expected ndims=1 and the length"
    ):
        NetworkGlow(2, 4, 1, 1, dense=True)
    with pytest.raises(ValueError, match="NetworkGlow: expected nx divisible by 4"):
        NetworkGlow(1, 4, 2, 1, dense=True, nx=6, ndims=1)
    with pytest.raises(TypeError, match="dtype to be 'float32' or 'float64'"):
        NetworkGlow(2, 4, 1, 1, dtype="int32")
