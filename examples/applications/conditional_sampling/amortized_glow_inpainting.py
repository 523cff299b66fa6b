"""Fill a hole in image patches, with uncertainty, by conditional Glow.

From 16 x 16 patches of three photographs that come with PyWavelets the middle 8 x 8
pixels are missing. A linear predictor makes a first guess from the frame around them;
the flow learns the distribution of what is left, given the frame. Training and test
patches come from columns of the photographs that are apart.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pywt.data
from matplotlib.figure import Figure
from tqdm import trange

import invertiblenetworks as inn

SIDE, HOLE, SCALE = 16, slice(4, 12), 10.0
FRAME = np.ones((SIDE, SIDE), bool)
FRAME[HOLE, HOLE] = False


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    quick = "EXAMPLES_QUICK" in os.environ
    parser.add_argument("--quick", action="store_true", default=quick)
    parser.add_argument("--out", type=Path, default=Path("."), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def draw_patches(first, stop, count, rng):
    """Dequantised patches (count, 16, 16) from a band of columns, values in [0, 1]."""
    names = ("camera", "ascent", "aero")
    images = np.stack([getattr(pywt.data, name)() for name in names])[..., first:stop]
    windows = np.lib.stride_tricks.sliding_window_view(images, (SIDE, SIDE), (1, 2))
    places = (rng.integers(n, size=count) for n in windows.shape[:3])
    patches = windows[tuple(places)]
    return (patches + rng.random(patches.shape)) / 256


class LinearPredictor:
    """Least squares from the 192 pixels of the frame to the 64 of the hole."""

    def __init__(self, patches):
        frame, hole = patches[:, FRAME], patches[:, HOLE, HOLE].reshape(-1, 64)
        self.weights = np.linalg.lstsq(np.insert(frame, 0, 1.0, axis=1), hole)[0]
        self.factor = np.linalg.cholesky(np.cov(self.residual(patches).T))

    def predict(self, patches):
        return np.insert(patches[:, FRAME], 0, 1.0, axis=1) @ self.weights

    def residual(self, patches):
        return patches[:, HOLE, HOLE].reshape(-1, 64) - self.predict(patches)

    def log_prob(self, patches):
        """Log-density of the hole as a Gaussian around the prediction."""
        white = np.linalg.solve(self.factor, self.residual(patches).T)
        constant = np.log(np.diag(self.factor)).sum() + 32 * np.log(2 * np.pi)
        return -0.5 * (white**2).sum(axis=0) - constant

    def pairs(self, patches):
        """What is left of the hole, as an image, and the frame without its mean."""
        x = SCALE * self.residual(patches).reshape(-1, 1, 8, 8)
        frame = patches[:, FRAME] - patches[:, FRAME].mean(axis=1, keepdims=True)
        return x.astype("float32"), (4.0 * frame).astype("float32")


def build_network(rng):
    """A flow of 8 x 8 images, with two dense layers from the frame to its condition."""
    flow = inn.NetworkConditionalGlow(1, 4, 24, L=2, K=3, split_scales=True, rng=rng)
    first, second = inn.Dense(192, 128, rng=rng), inn.Dense(128, 256, rng=rng)
    relu, unflatten = inn.Pointwise("relu"), inn.Unflatten((4, 8, 8))
    return inn.SummarizedNet(flow, inn.Sequential(first, relu, second, unflatten))


def train(net, x, y, n_steps, rng, batch=64):
    schedule = inn.cosine_decay(n_steps, warmup=20)
    optimiser = inn.ADAM(4e-3, schedule=schedule, clip_norm=200.0)
    net.initialize(x[:1000], y[:1000])
    for _ in trange(n_steps, desc="training"):
        i = rng.integers(len(x), size=batch)
        net.clear_grad()
        z, _ = net.forward(x[i], y[i])
        net.backward(z / batch, z, y[i])
        optimiser.step(net.get_params())


def sample(net, linear, patches, rng, count=64):
    """Draw holes: (number of patches, count, 8, 8)."""
    y = np.repeat(linear.pairs(patches)[1], count, axis=0)
    z = rng.standard_normal((len(y), 1, 8, 8), dtype="float32")
    rest = net.inverse(z, y).reshape(len(patches), count, 8, 8) / SCALE
    return linear.predict(patches).reshape(-1, 1, 8, 8) + rest


def report(net, linear, patches, drawn):
    truth, guess = patches[:, HOLE, HOLE], linear.predict(patches).reshape(-1, 8, 8)
    mean, deviation = drawn.mean(axis=1), drawn.std(axis=1)
    flow = net.log_prob(*linear.pairs(patches)).mean() / 64 + np.log(SCALE)
    gaussian = linear.log_prob(patches).mean() / 64
    inside = (np.abs(truth - mean) < 2 * deviation).mean()
    error = [np.sqrt(((truth - other) ** 2).mean()) for other in (mean, guess)]
    print("on test patches (grey values in [0, 1])  flow    linear predictor")
    print(f"  negative log-density, nats per pixel   {-flow:.3f}  {-gaussian:.3f}")
    print(f"  root mean square error of the mean      {error[0]:.4f}  {error[1]:.4f}")
    print(f"  truth within 2 standard deviations      {inside:.1%} (Gaussian: 95.4%)")


def draw_picture(path, patches, drawn):
    figure = Figure(figsize=(9.5, 7.0), layout="constrained")
    columns = {"truth": patches, "observed": np.where(FRAME, patches, 1.0)}
    fills = {
        "mean": drawn.mean(axis=1),
        "sample 1": drawn[:, 0],
        "sample 2": drawn[:, 1],
    }
    for name, fill in fills.items():
        columns[name] = patches.copy()
        columns[name][:, HOLE, HOLE] = fill
    columns["std (0 to 0.2)"] = np.zeros_like(patches)
    columns["std (0 to 0.2)"][:, HOLE, HOLE] = 5 * drawn.std(axis=1)
    axes = figure.subplots(len(patches), len(columns))
    for j, (name, images) in enumerate(columns.items()):
        axes[0, j].set_title(name)
        for axis, image in zip(axes[:, j], images, strict=True):
            cmap = "viridis" if "std" in name else "gray"
            axis.imshow(image, cmap=cmap, vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
    figure.savefig(path, dpi=120)


def main():
    options = read_options()
    rng = np.random.default_rng(options.seed)
    patches = draw_patches(0, 330, 2000 if options.quick else 30000, rng)
    linear = LinearPredictor(patches)
    net = build_network(rng)
    train(net, *linear.pairs(patches), 30 if options.quick else 1000, rng)
    test = draw_patches(350, 512, 500, rng)
    drawn = sample(net, linear, test, rng)
    report(net, linear, test, drawn)
    options.out.mkdir(parents=True, exist_ok=True)
    busiest = np.argsort(test[:, HOLE, HOLE].std(axis=(1, 2)))[-150::30]
    picture = options.out / "amortized_glow_inpainting.png"
    draw_picture(picture, test[busiest], drawn[busiest])


if __name__ == "__main__":
    main()
