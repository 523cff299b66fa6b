"""Amortised posterior of a banana seen through noise, with conditional HINT.

The network learns the joint density of ``(x, y)`` with ``y = x + 0.2 noise`` and, as
lane X sees lane Y but not the other way round, the posterior of x for any y. Where the
latent of the observation is not needed, ``NetworkConditionalGlow`` does the same.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import trange

import invertiblenetworks as inn

NOISE = 0.2


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    quick = "EXAMPLES_QUICK" in os.environ
    parser.add_argument("--quick", action="store_true", default=quick)
    parser.add_argument("--out", type=Path, default=Path("."), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def draw_pairs(count, rng):
    x = inn.sample_banana(count, rng=rng, dtype="float64").reshape(count, 2)
    y = x + NOISE * rng.normal(size=(count, 2))
    return x.astype("float32"), y.astype("float32")


def train(net, n_steps, rng, batch=256):
    schedule = inn.cosine_decay(n_steps, warmup=20)
    optimiser = inn.ADAM(5e-3, schedule=schedule, clip_norm=10.0)
    net.initialize(*draw_pairs(1000, rng))
    for _ in trange(n_steps, desc="training"):
        net.clear_grad()
        zx, zy, _ = net.forward(*draw_pairs(batch, rng))
        net.backward(zx / batch, zy / batch, zx, zy)
        optimiser.step(net.get_params())


def log_evidence(y, n_nodes=801):
    """``log p(y)``: over x_2 in closed form, over x_1 by a sum of equal steps."""
    x1 = np.linspace(-6.0, 6.0, n_nodes)[:, None]
    variance = 1.0 + NOISE**2
    of_y1 = ((y[:, 0] - x1) / NOISE) ** 2 + 2 * np.log(NOISE)
    of_y2 = (y[:, 1] - 4.0 * (x1**2 + 1.0)) ** 2 / variance + np.log(variance)
    log_terms = -0.5 * (x1**2 + of_y1 + of_y2) - 1.5 * np.log(2 * np.pi)
    return np.logaddexp.reduce(log_terms, axis=0) + np.log(x1[1, 0] - x1[0, 0])


def log_posterior(x, y):
    """Exact: ``log p(x) + log p(y | x) - log p(y)``."""
    x, y = x.astype("float64"), y.astype("float64")
    squares = (((y - x) / NOISE) ** 2).sum(axis=1)
    log_likelihood = -0.5 * squares - np.log(2 * np.pi * NOISE**2)
    return inn.banana_log_density(x) + log_likelihood - log_evidence(y)


def report(net, rng, count=4000):
    x, y = draw_pairs(count, rng)
    exact = log_posterior(x, y)
    gap = exact - (net.log_prob(x, y) - net.lane_y.log_prob(y))
    of_prior = exact - inn.banana_log_density(x)
    print("mean of log p(x | y) - log q(x | y) over fresh pairs (exact 0):")
    print(f"  conditional HINT {gap.mean():.3f} +- {gap.std() / count**0.5:.3f} nats")
    print(f"  prior for q      {of_prior.mean():.3f} nats")


def draw_picture(net, path, rng, count=2000):
    x, y = draw_pairs(count, rng)
    truth, observed = x[0], y[0]
    z = rng.standard_normal((count, 2), dtype="float32")
    drawn, _ = net.inverse(z, np.repeat(net.forward_y(y[:1]), count, axis=0))
    edges = zip(drawn.min(axis=0) - 0.2, drawn.max(axis=0) + 0.2, strict=True)
    axes = [np.linspace(low, high, 200) for low, high in edges]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    exact = np.exp(log_posterior(grid, observed[None])).reshape(200, 200)
    figure = Figure(figsize=(12.5, 3.6), layout="constrained")
    of_x, of_y, of_grid, of_samples = figure.subplots(1, 4)
    dots = dict(marker=".", ls="", ms=2, alpha=0.4, color="#1f5fa8")
    of_x.plot(*x.T, **dots)
    of_y.plot(*y.T, **dots)
    of_y.plot(*observed, "x", color="#c8553d", mew=2, label="observed y")
    of_y.legend()
    of_grid.pcolormesh(*axes, exact.T, cmap="Blues", rasterized=True)
    of_samples.plot(*drawn.T, **dots)
    of_samples.set(xlim=axes[0][[0, -1]], ylim=axes[1][[0, -1]])
    titles = "Prior of x", "Observations y", "Exact posterior", "Samples of HINT"
    for axis, title in zip((of_x, of_y, of_grid, of_samples), titles, strict=True):
        letter = "y" if axis is of_y else "x"
        axis.set(title=title, xlabel=f"${letter}_1$", ylabel=f"${letter}_2$")
        if axis is not of_y:
            axis.plot(*truth, "k+", ms=9, mew=2, label="true x")
            axis.legend()
    figure.savefig(path, dpi=120)


def main():
    options = read_options()
    rng = np.random.default_rng(options.seed)
    net = inn.NetworkConditionalHINT(2, 64, depth=6, ndims=0, rng=rng)
    train(net, 40 if options.quick else 1500, rng)
    report(net, rng)
    options.out.mkdir(parents=True, exist_ok=True)
    draw_picture(net, options.out / "amortized_hint_banana_denoise.png", rng)


if __name__ == "__main__":
    main()
