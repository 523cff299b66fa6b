"""Variational posterior with a banana as prior, with HINT couplings.

The unknown x has the density of ``sample_banana``; observed is ``y = 0.1 x_2 + noise``,
noise of standard deviation 0.2. The posterior is a horseshoe with a tip on either side,
since y does not tell the sign of x_1. A flow ``x = f(z)`` is fitted by minimising
``mean(-log p(y | x) - log p(x)) - logdet``, without any training pairs.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import trange

import invertiblenetworks as inn

ROW, NOISE, OBSERVED = np.array([0.0, 0.1]), 0.2, 0.9


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    quick = "EXAMPLES_QUICK" in os.environ
    parser.add_argument("--quick", action="store_true", default=quick)
    parser.add_argument("--out", type=Path, default=Path("."), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def log_joint(x):
    residual = (x @ ROW - OBSERVED) / NOISE
    log_likelihood = -0.5 * residual**2 - np.log(NOISE) - 0.5 * np.log(2 * np.pi)
    return log_likelihood + inn.banana_log_density(x)


def gradient_of_minus_log_joint(x):
    """With x_2 given x_1 normal around 4 (x_1^2 + 1)."""
    x1, x2 = x.T
    bend = x2 - 4.0 * (x1**2 + 1.0)
    of_prior = np.stack((x1 - 8.0 * x1 * bend, bend), axis=1)
    return of_prior + np.outer((x @ ROW - OBSERVED) / NOISE**2, ROW)


def exact_posterior(n_cells=1000):
    """Posterior on a grid: its axes, its density, and log p(y)."""
    x1, x2 = np.linspace(-4.0, 4.0, n_cells), np.linspace(-2.0, 30.0, n_cells)
    points = np.stack(np.meshgrid(x1, x2, indexing="ij"), axis=-1).reshape(-1, 2)
    joint = np.exp(log_joint(points)).reshape(n_cells, n_cells)
    evidence = joint.sum() * (x1[1] - x1[0]) * (x2[1] - x2[0])
    return x1, x2, joint / evidence, np.log(evidence)


def build_network(depth, rng):
    options = dict(permute="full", ndims=0, dtype="float64", rng=rng)
    layers = []
    for _ in range(depth):
        coupling = inn.CouplingLayerHINT(2, 64, **options)
        layers += [inn.ActNorm(2, dtype="float64"), coupling]
    return inn.Chain(*layers, inn.ActNorm(2, dtype="float64"), logdet=True)


def train(net, n_steps, rng, batch=256):
    schedule = inn.cosine_decay(n_steps, warmup=20)
    optimiser = inn.ADAM(5e-3, schedule=schedule, clip_norm=10.0)
    net.initialize(rng.normal(size=(1000, 2)))
    for _ in trange(n_steps, desc="training"):
        net.clear_grad()
        x, _ = net.forward(rng.normal(size=(batch, 2)))
        net.backward(gradient_of_minus_log_joint(x) / batch, x)
        optimiser.step(net.get_params())


def report(net, posterior, rng, count=20000):
    """Print figures of the posterior, and return samples of the flow."""
    x1, x2, density, log_evidence = posterior
    z = rng.normal(size=(count, 2))
    x, _ = net.forward(z)
    log_q = -0.5 * (z**2).sum(axis=1) - np.log(2 * np.pi) - net.log_abs_det(z)
    gap = log_q - log_joint(x) + log_evidence
    print(f"KL(q || posterior) {gap.mean():.3f} +- {gap.std() / count**0.5:.3f} nats")
    of_x1, of_x2 = (density.sum(axis=i) / density.sum() for i in (1, 0))
    rows = {
        "mean of |x_1|": (np.abs(x[:, 0]).mean(), np.abs(x1) @ of_x1),
        "P(x_1 > 0)": ((x[:, 0] > 0).mean(), of_x1[x1 > 0].sum()),
        "mean of x_2": (x[:, 1].mean(), x2 @ of_x2),
    }
    for name, (learned, exact) in rows.items():
        print(f"{name:14s} flow {learned:.3f}   grid {exact:.3f}")
    return x


def draw_picture(path, samples, posterior, rng, count=3000):
    x1, x2, density, _ = posterior
    prior = inn.sample_banana(count, rng=rng).reshape(count, 2)
    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    titles = ("Prior and observation", "Exact posterior (grid)", "Samples of the flow")
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    for axis, title in zip(axes, titles, strict=True):
        axis.set(title=title, xlabel="$x_1$", xlim=(-3.5, 3.5), ylim=(0, 30))
    axes[0].set_ylabel("$x_2$")
    axes[0].plot(*prior.T, ".", ms=2, alpha=0.5, color="#6b6b6b")
    axes[0].axhline(OBSERVED / ROW[1], color="#c8553d", label="$x_2 = y / 0.1$")
    axes[0].legend()
    axes[1].pcolormesh(x1, x2, density.T, cmap="Blues", rasterized=True)
    axes[2].plot(*samples[:count].T, ".", ms=2, alpha=0.5, color="#1f5fa8")
    path.mkdir(parents=True, exist_ok=True)
    figure.savefig(path / "non_amortized_hint_rosenbrock_banana.png", dpi=120)


def main():
    options = read_options()
    rng = np.random.default_rng(options.seed)
    posterior = exact_posterior()
    net = build_network(8, rng)
    train(net, 40 if options.quick else 1500, rng)
    samples = report(net, posterior, rng)
    draw_picture(options.out, samples, posterior, rng)


if __name__ == "__main__":
    main()
