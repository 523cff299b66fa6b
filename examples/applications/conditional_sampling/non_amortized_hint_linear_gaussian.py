"""Variational posterior of one linear Gaussian problem with HINT.

There are no training pairs: prior and likelihood are known, and a flow ``x = f(z)`` is
fitted to the posterior of one observation by minimising, over standard normal z::

    KL(q || p(x | y)) = mean(-log p(y | x) - log p(x)) - logdet + constant

With prior N(m, L_x^-1), noise N(m_e, L^-1) and ``y = A x + noise`` the posterior is
Gaussian, with covariance ``S = (A^T L A + L_x)^-1`` and mean
``S (A^T L (y - m_e) + L_x m)``; note that S multiplies both terms. Here m_e = 0.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import trange

from invertiblenetworks import ADAM, ActNorm, Chain, CouplingLayerHINT, cosine_decay

N_X, N_Y = 8, 6
PRIOR_MEAN, PRIOR_VARIANCE, NOISE_VARIANCE = 3.14, 9.0, 0.1


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    quick = "EXAMPLES_QUICK" in os.environ
    parser.add_argument("--quick", action="store_true", default=quick)
    parser.add_argument("--out", type=Path, default=Path("."), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def draw_problem(rng):
    """Return the matrix, the unknown and one observation of it."""
    A = rng.normal(size=(N_Y, N_X)) / N_X**0.5
    x = PRIOR_MEAN + PRIOR_VARIANCE**0.5 * rng.normal(size=N_X)
    y = A @ x + NOISE_VARIANCE**0.5 * rng.normal(size=N_Y)
    return A, x, y


def exact_posterior(A, y):
    precision = A.T @ A / NOISE_VARIANCE + np.eye(N_X) / PRIOR_VARIANCE
    covariance = np.linalg.inv(precision)
    mean = covariance @ (A.T @ y / NOISE_VARIANCE + PRIOR_MEAN / PRIOR_VARIANCE)
    return mean, covariance


def build_network(depth, rng):
    options = dict(permute="both", n_reflections=N_X, ndims=0, dtype="float64")
    layers = []
    for _ in range(depth):
        coupling = CouplingLayerHINT(N_X, 16, rng=rng, **options)
        layers += [ActNorm(N_X, dtype="float64"), coupling]
    return Chain(*layers, logdet=True)


def train(net, A, y, n_steps, rng, batch=64):
    optimiser = ADAM(1e-2, schedule=cosine_decay(n_steps, warmup=20), clip_norm=100.0)
    net.initialize(rng.normal(size=(1000, N_X)))
    for _ in trange(n_steps, desc="training"):
        net.clear_grad()
        x, _ = net.forward(rng.normal(size=(batch, N_X)))
        misfit = (x @ A.T - y) @ A / NOISE_VARIANCE
        dx = misfit + (x - PRIOR_MEAN) / PRIOR_VARIANCE
        net.backward(dx / batch, x)
        optimiser.step(net.get_params())


def errors(samples, mean, covariance):
    """Of the mean in posterior deviations, and of the covariance in the norm of it."""
    off = (samples.mean(axis=0) - mean) / np.sqrt(np.diag(covariance))
    difference = np.linalg.norm(np.cov(samples.T) - covariance)
    return np.sqrt((off**2).mean()), difference / np.linalg.norm(covariance)


def report(net, z, samples, mean, covariance, rng):
    n, prior_covariance = len(z), PRIOR_VARIANCE * np.eye(N_X)
    prior = rng.multivariate_normal(np.full(N_X, PRIOR_MEAN), prior_covariance, n)
    rows = {"HINT": samples, "prior": prior}
    rows["exact sampler"] = rng.multivariate_normal(mean, covariance, n)
    print(f"errors with {n} samples: mean / posterior deviations, covariance")
    for name, drawn in rows.items():
        of_mean, of_covariance = errors(drawn, mean, covariance)
        print(f"  {name:14s} {of_mean:.3f}  {of_covariance:.3f}")
    log_q = -0.5 * (z**2).sum(axis=1) - net.log_abs_det(z)
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, (samples - mean).T)
    log_p = -0.5 * (white**2).sum(axis=0) - np.log(np.diag(factor)).sum()
    print(f"KL(HINT || posterior) {(log_q - log_p).mean():.3f} nats (exact 0)")


def draw_picture(path, samples, x, mean, covariance):
    """Means with two standard deviations of each component."""
    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    axis, index = figure.subplots(), np.arange(1, N_X + 1)
    exact = mean, np.sqrt(np.diag(covariance))
    learned = samples.mean(axis=0), samples.std(axis=0)
    rows = {"exact posterior": exact, "HINT": learned}
    for i, (name, (centre, deviation)) in enumerate(rows.items()):
        place = index + 0.2 * i - 0.1
        axis.errorbar(place, centre, 2 * deviation, fmt="o", capsize=3, label=name)
    axis.plot(index, x, "kx", label="truth", zorder=3)
    axis.set(xlabel="component of x", ylabel="mean and 2 standard deviations")
    axis.legend()
    path.mkdir(parents=True, exist_ok=True)
    figure.savefig(path / "non_amortized_hint_linear_gaussian.png", dpi=120)


def main():
    options = read_options()
    rng = np.random.default_rng(options.seed)
    A, x, y = draw_problem(rng)
    mean, covariance = exact_posterior(A, y)
    net = build_network(4, rng)
    train(net, A, y, 40 if options.quick else 1500, rng)
    z = rng.normal(size=(20000, N_X))
    samples, _ = net.forward(z)
    report(net, z, samples, mean, covariance, rng)
    draw_picture(options.out, samples, x, mean, covariance)


if __name__ == "__main__":
    main()
