"""Facts about the networks of HINT couplings beyond the contract."""

import numpy as np
import pytest
from randomized import randomized

from invertiblenetworks import (
    ActNorm,
    AveragePool,
    CouplingLayerHINT,
    HaarLayer,
    NetworkConditionalHINT,
    NetworkMultiScaleConditionalHINT,
    NetworkMultiScaleHINT,
    ShuffleLayer,
    WaveletLayer,
    load,
    save,
)

SQUEEZERS = (ShuffleLayer(), WaveletLayer(), HaarLayer())


def moved(net, rng, *states):
    """A network at which nothing is special, with normalised states."""
    randomized(net, rng, 0.05).forward(*states)
    return net


def conditional(rng, x, y, depth=3, **options):
    options = {"n_y": y.shape[1], "dtype": "float64", "rng": 0, **options}
    return moved(NetworkConditionalHINT(x.shape[1], 4, depth, **options), rng, x, y)


def multi_scale(rng, x, y, **options):
    options = {"n_y": y.shape[1], "dtype": "float64", "rng": 0, **options}
    net = NetworkMultiScaleConditionalHINT(x.shape[1], 4, 2, 2, **options)
    return moved(net, rng, x, y)


def test_lane_y_of_the_network(rng):
    x, y = rng.normal(size=(3, 4, 4, 4)), rng.normal(size=(3, 2, 4, 4))
    net = conditional(rng, x, y)
    _, zy, logdet = net.forward(x, y)
    zy_alone, logdet_y = net.forward_y(y, logdet=True)
    np.testing.assert_allclose(zy_alone, zy, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(net.inverse_y(zy), y, atol=1e-12)
    of_x, of_y = net.log_abs_det_lanes(x, y)
    np.testing.assert_allclose(of_y.mean(), logdet_y, rtol=1e-12)
    np.testing.assert_allclose(of_x.mean() + of_y.mean(), logdet, rtol=1e-12)
    assert set(net.lane_y.get_params()) < set(net.get_params())


def test_posterior_samples_need_only_the_latent_of_the_observation(rng, tmp_path):
    x, y = rng.normal(size=(4, 2, 4, 4)), rng.normal(size=(4, 2, 4, 4))
    net = conditional(rng, x, y)
    zx, _, _ = net.forward(x, y)
    save(tmp_path / "hint.npz", net)
    fresh = NetworkConditionalHINT(2, 4, 3, dtype="float64", rng=1)
    load(tmp_path / "hint.npz", fresh)
    seven = np.repeat(fresh.forward_y(y[:1]), 7, axis=0)
    zx = np.concatenate([zx[:1], rng.normal(size=(6, *zx.shape[1:]))])
    samples, y_again = fresh.inverse(zx, seven)
    np.testing.assert_allclose(samples[0], x[0], atol=1e-11)
    np.testing.assert_allclose(y_again, np.repeat(y[:1], 7, axis=0), atol=1e-11)
    assert np.ptp(samples, axis=0).min() > 0


def test_lanes_of_different_sizes(rng):
    x, y = rng.normal(size=(3, 2, 4, 4)), rng.normal(size=(3, 3, 8, 8))
    for build in (conditional, multi_scale):
        net = build(rng, x, y, bridge=AveragePool(2))
        zx, zy, _ = net.forward(x, y)
        assert (zx.shape, zy.shape) == (x.shape, y.shape)
        x_again, y_again = net.inverse(zx, zy)
        np.testing.assert_allclose(x_again, x, atol=1e-10)
        np.testing.assert_allclose(y_again, y, atol=1e-10)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("squeezer", SQUEEZERS, ids=lambda s: type(s).__name__)
def test_lane_y_on_several_scales(squeezer, split, rng):
    x, y = rng.normal(size=(3, 2, 4, 8)), rng.normal(size=(3, 1, 4, 8))
    net = multi_scale(rng, x, y, split_scales=split, squeezer=squeezer)
    zx, zy, logdet = net.forward(x, y)
    assert (zx.shape, zy.shape) == (x.shape, y.shape)
    zy_alone, logdet_y = net.forward_y(y, logdet=True)
    np.testing.assert_allclose(zy_alone, zy, atol=1e-13)
    np.testing.assert_allclose(net.inverse_y(zy), y, atol=1e-11)
    of_x, _ = net.log_abs_det_lanes(x, y)
    np.testing.assert_allclose(of_x.mean() + logdet_y, logdet, rtol=1e-11)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("spatial", [(8,), (8, 4), (4, 4, 4)])
def test_hint_on_several_scales(spatial, split, rng):
    x = rng.normal(size=(3, 1, *spatial))
    net = NetworkMultiScaleHINT(
        1, 4, 2, 1, split_scales=split, ndims=len(spatial), dtype="float64", rng=0
    )
    z, logdet = moved(net, rng, x).forward(x)
    assert z.shape == x.shape
    np.testing.assert_allclose(net.inverse(z), x, atol=1e-11)
    _, x_again = net.backward(z / 3, z)
    np.testing.assert_allclose(x_again, x, atol=1e-11)
    np.testing.assert_allclose(net.log_abs_det(x).mean(), logdet, rtol=1e-13)


def channels_of(layer, kind):
    """Channels of the normalisations inside, finest scale first."""
    if isinstance(layer, kind):
        return [layer.s.shape[0]]
    inside = getattr(layer, "layers", [getattr(layer, "layer", None)])
    return [c for part in inside if part is not None for c in channels_of(part, kind)]


@pytest.mark.parametrize(
    ("ndims", "split", "wanted"),
    [
        (2, False, [8, 32, 128]),
        (2, True, [8, 16, 32]),
        (3, False, [16, 128, 1024]),
        (3, True, [16, 64, 256]),
    ],
)
def test_channels_of_the_scales(ndims, split, wanted):
    net = NetworkMultiScaleHINT(
        2, 1, 3, 1, split_scales=split, ndims=ndims, k1=1, p1=0, k2=1, p2=0
    )
    assert channels_of(net, ActNorm) == wanted


def test_every_coupling_of_the_scales_mixes_its_channels():
    net = NetworkMultiScaleHINT(1, 2, 1, 2)
    couplings = [
        part for part in net.layers[1].layers if isinstance(part, CouplingLayerHINT)
    ]
    assert len(couplings) == 2
    for part in couplings:
        assert len(part.layers[0].get_params()) == 3  # the 1x1 convolution


def test_all_parameters_get_gradients(rng):
    x, y = rng.normal(size=(2, 8, 2, 2)), rng.normal(size=(2, 8, 2, 2))
    net = conditional(rng, x, y, depth=2)
    zx, zy, _ = net.forward(x, y)
    net.backward(zx / 2, zy / 2, zx, zy)
    missing = [name for name, p in net.named_params().items() if p.grad is None]
    assert not missing


def test_arguments_are_checked(rng):
    with pytest.raises(ValueError, match="NetworkConditionalHINT: expected depth"):
        NetworkConditionalHINT(2, 4, 0)
    with pytest.raises(ValueError, match="NetworkMultiScaleHINT: expected spatial"):
        NetworkMultiScaleHINT(2, 4, 1, 1, ndims=0)
    net = NetworkMultiScaleHINT(1, 4, 2, 1, dtype="float64")
    with pytest.raises(ValueError, match=r"spatial sizes divisible by 4 \(2 to the"):
        net.forward(rng.normal(size=(2, 1, 6, 8)))


def test_conditional_density_is_joint_less_marginal(rng):
    net = NetworkConditionalHINT(2, 3, 2, ndims=0, dtype="float64", rng=0)
    x, y = rng.normal(size=(2, 6, 2))
    net.initialize(x, y)
    found = net.conditional_log_prob(x, y)
    wanted = net.log_prob(x, y) - net.lane_y.log_prob(y)
    np.testing.assert_allclose(found, wanted)
    zx, _, _ = net.forward(x, y)
    of_x, _ = net.log_abs_det_lanes(x, y)
    direct = of_x - 0.5 * (zx**2).sum(1) - np.log(2 * np.pi)
    np.testing.assert_allclose(found, direct, rtol=1e-12)
