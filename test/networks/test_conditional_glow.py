"""Facts about the conditional Glow network beyond the contract."""

import numpy as np
import pytest
from randomized import randomized

from invertiblenetworks import (
    NetworkConditionalGlow,
    ResidualBlock,
    ResNet,
    SummarizedNet,
    load,
    save,
)
from invertiblenetworks.testing import central_differences

OPTIONS = {"split_scales": True, "dtype": "float64", "rb_activation": "tanh"}


def glow(rng, x, cond, L=2, **options):
    options = {**OPTIONS, "rng": 0, **options}
    net = NetworkConditionalGlow(x.shape[1], cond.shape[1], 4, L, 2, **options)
    randomized(net, rng, 0.03).forward(x, cond)
    return net


@pytest.mark.parametrize("L", [1, 2])
def test_inverse_and_backward_take_the_raw_condition(L, rng):
    x, cond = rng.normal(size=(3, 2, 4, 8)), 5.0 + rng.normal(size=(3, 3, 4, 8))
    net = glow(rng, x, cond, L)
    z, logdet = net.forward(x, cond)
    assert z.shape == x.shape
    np.testing.assert_allclose(net.inverse(z, cond), x, atol=1e-11)
    dx, x_again, dcond = net.backward(z / 3, z, cond)
    np.testing.assert_allclose(x_again, x, atol=1e-11)
    assert (dx.shape, dcond.shape) == (x.shape, cond.shape)
    np.testing.assert_allclose(net.log_abs_det(x, cond).mean(), logdet, rtol=1e-13)


def test_the_condition_is_normalised_first(rng):
    x, cond = rng.normal(size=(6, 2, 4, 4)), rng.normal(size=(6, 3, 4, 4))
    net = glow(rng, x, cond)
    inside = net.transform.forward(cond)
    np.testing.assert_allclose(inside.mean(axis=(0, 2, 3)), 0.0, atol=1e-12)
    np.testing.assert_allclose(inside.var(axis=(0, 2, 3), ddof=1), 1.0, rtol=1e-10)
    np.testing.assert_allclose(net.layer.forward(x, inside), net.forward(x, cond)[0])


def test_sampling_of_another_batch_size_on_a_network_just_loaded(rng, tmp_path):
    x, cond = rng.normal(size=(4, 1, 8, 8)), rng.normal(size=(4, 2, 8, 8))
    net = glow(rng, x, cond)
    z, _ = net.forward(x, cond)
    save(tmp_path / "glow.npz", net)
    fresh = NetworkConditionalGlow(1, 2, 4, 2, 2, rng=1, **OPTIONS)
    load(tmp_path / "glow.npz", fresh)
    latents = np.concatenate([z[:1], rng.normal(size=(8, *z.shape[1:]))])
    samples = fresh.inverse(latents, np.repeat(cond[:1], 9, axis=0))
    assert samples.shape == (9, 1, 8, 8)
    np.testing.assert_allclose(samples[0], x[0], atol=1e-11)


def test_latents_are_per_sample(rng):
    x, cond = rng.normal(size=(3, 1, 8, 8)), rng.normal(size=(3, 2, 8, 8))
    net = glow(rng, x, cond)
    z, _ = net.forward(x, cond)
    one_by_one = [net.forward(x[i : i + 1], cond[i : i + 1])[0] for i in range(3)]
    np.testing.assert_allclose(np.concatenate(one_by_one), z, atol=1e-12)
    x[1] += 1.0
    cond[1] -= 1.0
    changed, _ = net.forward(x, cond)
    np.testing.assert_allclose(changed[[0, 2]], z[[0, 2]], atol=1e-12)
    assert abs(changed[1] - z[1]).max() > 0.1


def test_gradient_of_the_raw_condition_through_a_summary(rng):
    x, cond = rng.normal(size=(2, 2, 2, 2)), rng.normal(size=(2, 3, 2, 2))
    flow = NetworkConditionalGlow(2, 2, 4, 1, 2, rng=0, **OPTIONS)
    block = ResidualBlock(
        3, 4, n_out=2, fan=True, activation="tanh", dtype="float64", rng=0
    )
    net = SummarizedNet(flow, block)
    randomized(net, rng, 0.2).forward(x, cond)
    z, _ = net.forward(x, cond)

    def objective(cond):
        z, logdet = net.forward(x, cond)
        return 0.25 * (z**2).sum() - logdet

    _, _, dcond = net.backward(z / 2, z, cond)
    wanted = central_differences(objective, cond)
    assert abs(wanted).max() > 1e-3
    np.testing.assert_allclose(dcond.ravel(), wanted, rtol=1e-5, atol=1e-8)
    assert all(p.grad is not None for p in block.get_params())


def test_samples_through_a_summary_need_only_the_raw_condition(rng):
    x, cond = rng.normal(size=(4, 2, 4, 4)), rng.normal(size=(4, 3, 4, 4))
    flow = NetworkConditionalGlow(2, 3, 4, 1, 2, rng=0, **OPTIONS)
    summary = ResNet(3, 4, 3, dtype="float64", rng=0)
    net = SummarizedNet(flow, summary)
    randomized(net, rng, 0.05).forward(x, cond)
    z, _ = net.forward(x, cond)
    np.testing.assert_allclose(net.inverse(z, cond), x, atol=1e-11)
    np.testing.assert_allclose(z, flow.forward(x, summary.forward(cond))[0])
    n_glow, n_summary = 10 * 2 + 2, 4 * 3
    assert len(net.get_params()) == n_glow + n_summary


def test_one_channel_is_always_squeezed(rng):
    net = NetworkConditionalGlow(1, 1, 4, 1, 1, dtype="float64", rng=0)
    x = rng.normal(size=(2, 1, 3, 4))
    with pytest.raises(ValueError, match="divisible by 2"):
        net.forward(x, x)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="NetworkConditionalGlow: expected n_cond"):
        NetworkConditionalGlow(2, 0, 4, 1, 1)
