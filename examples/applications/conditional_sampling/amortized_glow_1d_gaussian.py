"""Amortised posterior of mean and scale of a Gaussian from 51 observations.

Prior: ``mu ~ N(0, 1)``, ``sigma ~ U(0, 10)``. A conditional Glow learns the posterior
of ``(mu, log(sigma / (10 - sigma)))`` from simulations. The order of the observations
says nothing, so they pass a summary network that cannot see it; or they become the
channels of the condition (``--condition channels``).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import trange

import invertiblenetworks as inn

N_OBSERVED, LARGEST = 51, 10.0


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    quick = "EXAMPLES_QUICK" in os.environ
    parser.add_argument("--quick", action="store_true", default=quick)
    parser.add_argument("--out", type=Path, default=Path("."), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--condition", choices=("set", "channels"), default="set")
    return parser.parse_args()


def draw_pairs(count, rng):
    """Return (mu, sigma) of shape (count, 2) and observations (count, 51)."""
    mu, sigma = rng.normal(size=count), LARGEST * rng.random(count)
    y = mu[:, None] + sigma[:, None] * rng.normal(size=(count, N_OBSERVED))
    return np.stack((mu, sigma), axis=1), y


def to_line(theta):
    """State of the network, with sigma mapped to the real line; and log-derivative."""
    mu, sigma = theta.T
    state = np.stack((mu, np.log(sigma / (LARGEST - sigma))), axis=1)
    return state.astype("float32"), np.log(LARGEST / (sigma * (LARGEST - sigma)))


def from_line(state):
    mu, logit = state.astype("float64").T
    return np.stack((mu, LARGEST / (1.0 + np.exp(-logit))), axis=1)


def build_network(condition, rng):
    if condition == "channels":
        return inn.NetworkConditionalGlow(2, N_OBSERVED, 64, 1, 6, ndims=0, rng=rng)
    flow = inn.NetworkConditionalGlow(2, 8, 32, 1, 6, ndims=0, rng=rng)
    return inn.SummarizedNet(flow, inn.SetSummary(1, 32, 8, n_blocks=1, rng=rng))


def to_condition(y, kind):
    """Sets have shape (N, 1, n_members), channels (N, n_channels)."""
    scaled = (y / LARGEST).astype("float32")
    return scaled if kind == "channels" else scaled[:, None]


def train(net, kind, n_steps, rng, batch=128):
    schedule = inn.cosine_decay(n_steps, warmup=20)
    optimiser = inn.ADAM(4e-3, schedule=schedule, clip_norm=10.0)
    for _ in trange(n_steps, desc="training"):
        theta, y = draw_pairs(batch, rng)
        condition = to_condition(y, kind)
        net.clear_grad()
        z, _ = net.forward(to_line(theta)[0], condition)
        net.backward(z / batch, z, condition)
        optimiser.step(net.get_params())


def log_prior(mu):
    return -0.5 * mu**2 - 0.5 * np.log(2 * np.pi) - np.log(LARGEST)


def log_joint(mu, sigma, y):
    misfit = y.var(axis=-1) + (y.mean(axis=-1) - mu) ** 2
    log_scale = np.log(sigma) + 0.5 * np.log(2 * np.pi)
    return log_prior(mu) - N_OBSERVED * (0.5 * misfit / sigma**2 + log_scale)


def grid_posterior(y, n_cells=300):
    """Posterior of one set on a grid of midpoints: axes, density, and log p(y)."""
    middle = (np.arange(n_cells) + 0.5) / n_cells
    width = 7 * y.std() / N_OBSERVED**0.5
    low, high = min(y.mean(), 0.0) - width, max(y.mean(), 0.0) + width
    mu = low + (high - low) * middle[:, None]
    low, high = y.std() / 2, min(2 * y.std(), LARGEST)
    sigma = low + (high - low) * middle
    log_density = log_joint(mu, sigma, y)
    log_cell = np.log((mu[1, 0] - mu[0, 0]) * (sigma[1] - sigma[0]))
    log_evidence = np.logaddexp.reduce(log_density, axis=None) + log_cell
    return mu[:, 0], sigma, np.exp(log_density - log_evidence), log_evidence


def report(net, kind, rng, count=1000):
    theta, y = draw_pairs(count, rng)
    log_evidence = np.array([grid_posterior(one)[3] for one in y])
    exact = log_joint(*theta.T, y) - log_evidence
    state, log_derivative = to_line(theta)
    gap = exact - net.log_prob(state, to_condition(y, kind)) - log_derivative
    print("mean of log p(theta | y) - log q(theta | y) over fresh pairs (exact 0):")
    print(f"  conditional Glow {gap.mean():.3f} +- {gap.std() / count**0.5:.3f} nats")
    print(f"  prior for q      {(exact - log_prior(theta[:, 0])).mean():.3f} nats")


def draw_picture(net, kind, path, rng, count=4000):
    """Posterior for one set with mu = 1 and sigma = 1."""
    y = 1.0 + rng.normal(size=(1, N_OBSERVED))
    z = rng.standard_normal((count, 2), dtype="float32")
    drawn = from_line(net.inverse(z, np.repeat(to_condition(y, kind), count, axis=0)))
    mu, sigma, density, _ = grid_posterior(y[0])
    of_mu, of_sigma = (density.sum(axis=i) for i in (1, 0))
    figure = Figure(figsize=(11.0, 3.8), layout="constrained")
    joint, *margins = figure.subplots(1, 3)
    joint.plot(*drawn.T, ".", ms=2, alpha=0.3, color="#1f5fa8", label="Glow")
    joint.contour(mu, sigma, density.T, colors="k", linewidths=0.8)
    joint.plot(1.0, 1.0, "rx", mew=2, label="truth")
    joint.set(xlabel="mu", ylabel="sigma", title="Posterior; lines: exact")
    joint.set(xlim=(0.2, 1.8), ylim=(0.5, 1.8))
    marginals = {"mu": (mu, of_mu), "sigma": (sigma, of_sigma)}
    rows = zip(margins, marginals.items(), drawn.T, strict=True)
    for axis, (name, (grid, exact)), samples in rows:
        axis.hist(samples, 50, density=True, color="#a9c4e4", label="Glow")
        axis.plot(grid, exact / exact.sum() / (grid[1] - grid[0]), "k", label="exact")
        axis.axvline(1.0, color="r", label="truth")
        axis.set(xlabel=name, ylabel="density", title=f"Marginal of {name}")
        axis.set_xlim(*joint.get_xlim() if name == "mu" else joint.get_ylim())
    for axis in (joint, *margins):
        axis.legend()
    figure.savefig(path, dpi=120)


def main():
    options = read_options()
    rng = np.random.default_rng(options.seed)
    net = build_network(options.condition, rng)
    train(net, options.condition, 40 if options.quick else 1500, rng)
    report(net, options.condition, rng)
    options.out.mkdir(parents=True, exist_ok=True)
    picture = options.out / "amortized_glow_1d_gaussian.png"
    draw_picture(net, options.condition, picture, rng)


if __name__ == "__main__":
    main()
