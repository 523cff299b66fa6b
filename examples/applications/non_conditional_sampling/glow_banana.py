"""Learn the density of a banana with Glow, and sample it.

The exact density is known, so the quality of the fit is a number: the Kullback-Leibler
divergence ``KL(p || q) = mean(log p(x) - log q(x))`` over fresh points from p, in nats.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import trange

from invertiblenetworks import (
    ADAM,
    NetworkGlow,
    banana_log_density,
    cosine_decay,
    sample_banana,
)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    quick = "EXAMPLES_QUICK" in os.environ
    parser.add_argument("--quick", action="store_true", default=quick)
    parser.add_argument("--out", type=Path, default=Path("."), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def draw_banana(count, rng):
    """Points of the banana as vectors (count, 2)."""
    return sample_banana(count, rng=rng).reshape(count, 2)


def train(net, n_steps, rng, batch=256):
    """Minimise ``mean |z|^2 / 2 - logdet``, the negative log-likelihood."""
    optimiser = ADAM(5e-3, schedule=cosine_decay(n_steps, warmup=20), clip_norm=10.0)
    net.initialize(draw_banana(1000, rng))
    for _ in trange(n_steps, desc="training"):
        x = draw_banana(batch, rng)
        net.clear_grad()
        z, _ = net.forward(x)
        net.backward(z / batch, z)
        optimiser.step(net.get_params())


def gaussian_log_density(x, data):
    """Log-density of the Gaussian with the mean and the covariance of the data."""
    factor = np.linalg.cholesky(np.cov(data.T))
    white = np.linalg.solve(factor, (x - data.mean(axis=0)).T)
    constant = np.log(np.diag(factor)).sum() + np.log(2 * np.pi)
    return -0.5 * (white**2).sum(axis=0) - constant


def report(net, rng, count=20000):
    """Print the divergence of the fit, and that of the best Gaussian."""
    x = draw_banana(count, rng)
    exact = banana_log_density(x)
    gap = exact - net.log_prob(x)
    baseline = exact - gaussian_log_density(x, draw_banana(count, rng))
    error = gap.std() / count**0.5
    print(f"KL(banana || Glow)          {gap.mean():.4f} +- {error:.4f} nats (exact 0)")
    print(f"KL(banana || best Gaussian) {baseline.mean():.4f} nats")
    print(f"mean of q(x) / p(x)         {np.exp(-gap).mean():.4f} (exact 1)")


def draw_picture(net, path, rng, count=2000):
    x = draw_banana(count, rng)
    noise = rng.standard_normal((count, 2), dtype="float32")
    z, _ = net.forward(x)
    of_x, of_z = ((-4, 4), (-2, 50)), ((-4, 4), (-4, 4))
    panels = [
        ("Data x", x, of_x),
        ("Latent of the data, f(x)", z, of_z),
        ("Samples of the flow, $f^{-1}(z)$", net.inverse(noise), of_x),
        ("Standard normal z", noise, of_z),
    ]
    figure = Figure(figsize=(8.0, 8.0), layout="constrained")
    axes = figure.subplots(2, 2).flat
    for axis, (title, points, (xlim, ylim)) in zip(axes, panels, strict=True):
        axis.plot(*points.T, ".", ms=2, alpha=0.5, color="#1f5fa8")
        axis.set(title=title, xlim=xlim, ylim=ylim)
        axis.set(xlabel="first component", ylabel="second component")
    figure.savefig(path, dpi=120)


def main():
    options = read_options()
    rng = np.random.default_rng(options.seed)
    net = NetworkGlow(2, 64, L=1, K=8, ndims=0, rng=rng)
    train(net, 40 if options.quick else 1500, rng)
    report(net, rng)
    draw_picture(net, options.out / "glow_banana.png", rng)


if __name__ == "__main__":
    main()
