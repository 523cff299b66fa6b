"""The first thing to run: in a few seconds, does the package work at all?"""

from __future__ import annotations

import subprocess
import sys

import numpy as np

import invertiblenetworks as inn
from invertiblenetworks import io

OPTIONAL = ("cupy", "torch", "jax", "tensorflow", "tqdm", "matplotlib", "pytest")


def test_import_needs_nothing_optional():
    """In a new interpreter, in which a module that is looked for would be loaded."""
    script = (
        "import sys, invertiblenetworks, invertiblenetworks.testing as testing\n"
        f"loaded = [name for name in {OPTIONAL!r} if name in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_glow_trains_samples_and_saves(rng, tmp_path, to_xp, to_numpy, layer_to_xp):
    options = dict(L=2, K=1, split_scales=True)
    net = layer_to_xp(inn.NetworkGlow(1, 4, **options, rng=rng))
    x = to_xp(rng.standard_normal((4, 1, 8, 8)).astype("float32"))

    def loss(z, logdet):
        return float(0.5 * (z * z).sum() / len(z) - logdet)

    z, logdet = net.forward(x)
    before = loss(z, logdet)
    _, x_again = net.backward(z / len(z), z)
    np.testing.assert_allclose(to_numpy(x_again), to_numpy(x), atol=1e-4)
    net.set_params([p.data - 1e-3 * p.grad for p in net.get_params()])
    assert loss(*net.forward(x)) < before

    path = tmp_path / "glow.npz"
    io.save(path, net)
    loaded = layer_to_xp(inn.NetworkGlow(1, 4, **options))
    io.load(path, loaded)
    latent = to_xp(rng.standard_normal(x.shape).astype("float32"))
    sample = to_numpy(loaded.inverse(latent))
    assert sample.shape == x.shape
    assert np.isfinite(sample).all()
    np.testing.assert_array_equal(sample, to_numpy(net.inverse(latent)))
