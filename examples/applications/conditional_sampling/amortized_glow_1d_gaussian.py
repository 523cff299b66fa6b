"""Amortised posterior of mean and scale of a Gaussian from 51 observations.

Prior: ``mu ~ N(0, 1)``, ``sigma ~ U(0, 10)``. A conditional Glow learns the posterior of
``(mu, log(sigma / (10 - sigma)))`` from simulations. The order of the observations says
nothing, so they pass a summary network that cannot see it (``--condition set``, the
default), or become the channels of the condition (``--condition channels``).
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
    """What the network models: sigma mapped to the real line; and the log-derivative."""
    mu, sigma = theta.T
    state = np.stack((mu, np.log(sigma / (LARGEST - sigma))), axis=1)
    return state.astype("float32"), np.log(LARGEST / (sigma * (LARGEST - sigma)))


def from_line(state):
    mu, logit = state.astype("float64").T
    return np.stack((mu, LARGEST / (1.0 + np.exp(-logit))), axis=1)


def build_network(condition, rng):
    """Return the network, and the function that brings observations into its form."""
    if condition == "channels":
        net = inn.NetworkConditionalGlow(2, N_OBSERVED, 64, 1, 6, ndims=0, rng=rng)
        return net, lambda y: (y / LARGEST).astype("float32")
    flow = inn.NetworkConditionalGlow(2, 8, 32, 1, 6, ndims=0, rng=rng)
    net = inn.SummarizedNet(flow, inn.SetSummary(1, 32, 8, n_blocks=1, rng=rng))
    return net, lambda y: (y / LARGEST).astype("float32")[:, None]


def train(net, to_condition, n_steps, rng, batch=128):
    schedule = inn.cosine_decay(n_steps, warmup=20)
    optimiser = inn.ADAM(4e-3, schedule=schedule, clip_norm=10.0)
    for _ in trange(n_steps, desc="training"):
        theta, y = draw_pairs(batch, rng)
        condition = to_condition(y)
        net.clear_grad()
        z, _ = net.forward(to_line(theta)[0], condition)
        net.backward(z / batch, z, condition)
        optimiser.step(net.get_params())


def log_joint(theta, y):
    """``log p(mu, sigma) + log p(y | mu, sigma)``, over all leading axes of theta."""
    mu, sigma = theta[..., 0], theta[..., 1]
    misfit = y.var(axis=-1) + (y.mean(axis=-1) - mu) ** 2
    log_prior = -0.5 * mu**2 - 0.5 * np.log(2 * np.pi) - np.log(LARGEST)
    log_scale = np.log(sigma) + 0.5 * np.log(2 * np.pi)
    return log_prior - N_OBSERVED * (0.5 * misfit / sigma**2 + log_scale)
