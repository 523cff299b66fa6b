"""Generative model of layered, seismic-like slices with Glow.

The slices are synthetic: nothing real is downloaded. Layers of random thickness and
reflectivity are bent, cut by a fault, convolved with a Ricker wavelet, and a little
noise is added. The baseline is a Gaussian with the full covariance of the slices. After
a minute of training the reflectors of the samples are shorter than those of the data.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import trange

import invertiblenetworks as inn

SIDE, NOISE, SPACING = 16, 0.05, 4.0


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    quick = "EXAMPLES_QUICK" in os.environ
    parser.add_argument("--quick", action="store_true", default=quick)
    parser.add_argument("--out", type=Path, default=Path("."), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def ricker(time, width=1.2):
    """The wavelet: minus the second derivative of a Gaussian."""
    square = (time / width) ** 2
    return (1.0 - square) * np.exp(-0.5 * square)


def draw_slices(count, rng):
    """Slices of shape (count, 1, SIDE, SIDE): axis 2 is time, axis 3 the position."""
    n_layers = 12
    gaps = SPACING * rng.uniform(0.3, 1.7, (count, n_layers))
    depth = np.cumsum(gaps, axis=1) - 1.5 * SPACING - rng.uniform(0, 8, (count, 1))
    strength = rng.normal(size=(count, n_layers))
    position = np.arange(SIDE) / SIDE - 0.5
    dip, bend, throw = rng.normal(size=(3, count, 1)) * [[[3.0]], [[4.0]], [[1.5]]]
    fault = position > rng.uniform(-1.0, 1.0, (count, 1))  # outside in half of them
    shift = dip * position + bend * position**2 + throw * fault
    time = np.arange(SIDE)[:, None]
    slices = rng.normal(scale=NOISE, size=(count, SIDE, SIDE))
    for layer in range(n_layers):
        arrival = (depth[:, layer, None] + shift)[:, None]
        slices += strength[:, layer, None, None] * ricker(time - arrival)
    return slices[:, None].astype("float32")


def train(net, n_steps, rng, batch=64):
    schedule = inn.cosine_decay(n_steps, warmup=10)
    optimiser = inn.ADAM(5e-3, schedule=schedule, clip_norm=500.0)
    net.initialize(draw_slices(512, rng))
    for _ in trange(n_steps, desc="training"):
        x = draw_slices(batch, rng)
        net.clear_grad()
        z, _ = net.forward(x)
        net.backward(z / batch, z)
        optimiser.step(net.get_params())


def gaussian_log_density(x, data):
    """Log-density of the Gaussian with the mean and the covariance of the data."""
    data, x = (part.reshape(len(part), -1).astype("float64") for part in (data, x))
    factor = np.linalg.cholesky(np.cov(data.T))
    white = np.linalg.solve(factor, (x - data.mean(axis=0)).T)
    constant = np.log(np.diag(factor)).sum() + 0.5 * SIDE**2 * np.log(2 * np.pi)
    return -0.5 * (white**2).sum(axis=0) - constant


def report(net, samples, rng):
    """Compare on slices that are drawn anew."""
    x = draw_slices(1000, rng)
    baseline = gaussian_log_density(x, draw_slices(10000, rng)).mean() / SIDE**2
    density = net.log_prob(x).mean() / SIDE**2
    spectra = [np.abs(np.fft.rfft(part, axis=2))[:, :, 1:] for part in (samples, x)]
    ratio = spectra[0].mean(axis=(0, 1, 3)) / spectra[1].mean(axis=(0, 1, 3))
    print(
        "negative log-likelihood of fresh slices, in nats per pixel (less is better):"
    )
    print(f"  Glow                     {-density:.3f}")
    print(f"  full-covariance Gaussian {-baseline:.3f}")
    print(
        f"amplitudes along time, samples / data: {ratio.min():.2f} - {ratio.max():.2f}"
    )


def draw_picture(path, slices, samples):
    figure = Figure(figsize=(9.0, 4.9), layout="constrained")
    titles = ("Synthetic slices", "Samples of Glow")
    panels = zip(figure.subfigures(1, 2), titles, (slices, samples), strict=True)
    for part, title, images in panels:
        part.suptitle(title)
        for axis, image in zip(part.subplots(4, 4).flat, images[:16, 0], strict=True):
            axis.imshow(image, cmap="gray", vmin=-2, vmax=2)
            axis.set(xticks=[], yticks=[])
        part.supxlabel("position")
        part.supylabel("time, downwards")
    figure.savefig(path, dpi=120)


def main():
    options = read_options()
    rng = np.random.default_rng(options.seed)
    net = inn.NetworkGlow(1, 32, L=2, K=4, split_scales=True, rng=rng)
    train(net, 20 if options.quick else 1000, rng)
    samples = net.inverse(rng.standard_normal((400, 1, SIDE, SIDE), dtype="float32"))
    report(net, samples, rng)
    options.out.mkdir(parents=True, exist_ok=True)
    draw_picture(options.out / "glow_seismic.png", draw_slices(16, rng), samples)


if __name__ == "__main__":
    main()
