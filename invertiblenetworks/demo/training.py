"""Maximum-likelihood training of a Glow on patches, with a loop written by hand."""

from __future__ import annotations

import dataclasses
import math
import time

import numpy as np
import tqdm

from .._types import Array, Rng
from ..base import Bijection
from ..networks import NetworkGlow
from ..optim import ADAM, cosine_decay
from .patches import bits_per_dimension, dequantise, load_band, random_patches

LOOK_AHEAD = 512
"""Patches from which ActNorm takes its first values."""

N_CHECKS = 40
"""How often the validation part is looked at in the course of a training."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """The network and its training, chosen on the validation part."""

    steps: int = 2000
    batch: int = 32
    width: int = 32
    scales: int = 3
    depth: int = 8
    reflections: int = 8
    learning_rate: float = 5e-3
    clip_norm: float = 2000.0


@dataclasses.dataclass
class History:
    """What happened in a training, in bits per dimension.

    Attributes
    ----------
    train : list of float
        Of the batch of every step.
    checks : dict of int to float
        Of the validation part, by the number of steps done.
    seconds : float
        Wall-clock time, validation included.
    """

    train: list[float] = dataclasses.field(default_factory=list)
    checks: dict[int, float] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0

    @property
    def best_step(self) -> int:
        """Number of steps after which the validation part was coded best."""
        return min(self.checks, key=self.checks.get)

    def recent(self, count: int = 50) -> float:
        """Mean over the last steps."""
        return float(np.mean(self.train[-count:]))


def build_network(settings: Settings, rng: Rng) -> NetworkGlow:
    """Return an untrained Glow for patches of one channel."""
    return NetworkGlow(
        1,
        settings.width,
        settings.scales,
        settings.depth,
        split_scales=True,
        n_reflections=settings.reflections,
        rng=rng,
    )


def train(
    network: Bijection, settings: Settings, validation: Array, rng: Rng
) -> History:
    """Train ``network`` in place, and leave it at its best checkpoint.

    Parameters
    ----------
    network : Bijection
        With ``logdet=True``.
    settings : Settings
        What concerns the training is read.
    validation : array, shape (N, 1, H, W)
        Dequantised patches that choose the checkpoint.
    rng : numpy.random.Generator
        Draws patches and noise.
    """
    images = load_band("training")

    def draw(count):
        return dequantise(random_patches(images, count, rng), rng)

    network.initialize(draw(LOOK_AHEAD))
    parameters = network.get_params()
    optimiser = ADAM(
        settings.learning_rate,
        schedule=cosine_decay(settings.steps, warmup=settings.steps // 40),
        clip_norm=settings.clip_norm,
    )
    history = History()
    start = time.perf_counter()
    best, check_every = None, max(1, settings.steps // N_CHECKS)
    with tqdm.trange(settings.steps, desc="training", unit="step") as bar:
        for done in (step + 1 for step in bar):
            history.train.append(train_step(network, draw(settings.batch)))
            optimiser.step(parameters)
            if done % check_every == 0 or done == settings.steps:
                history.checks[done] = evaluate(network, validation)
                if history.best_step == done:
                    best = [p.data.copy() for p in parameters]
                bar.set_postfix_str(_progress(history, done))
    network.set_params(best)
    history.seconds = time.perf_counter() - start
    return history


def train_step(network: Bijection, x: Array) -> float:
    """Set the gradients of the negative log-likelihood; return bits per dimension.

    The function is ``f = mean |z|^2 / 2 - logdet``, with ``df/dz = z / N``.
    """
    n_samples = len(x)
    network.clear_grad()
    z, logdet = network.forward(x)
    network.backward(z / n_samples, z)
    dimension = math.prod(x.shape[1:])
    norm = float((z * z).sum()) / n_samples
    log_prob = float(logdet) - 0.5 * (norm + dimension * math.log(2.0 * math.pi))
    if not math.isfinite(log_prob):
        raise RuntimeError(
            "training: the likelihood is no longer finite. Use a smaller "
            "--learning-rate or another --seed."
        )
    return bits_per_dimension(np.array([log_prob]))


def evaluate(model: object, x: Array, chunk: int = 256) -> float:
    """Bits per dimension of dequantised patches under ``model.log_prob``."""
    parts = [model.log_prob(x[i : i + chunk]) for i in range(0, len(x), chunk)]
    return bits_per_dimension(np.concatenate(parts))


def _progress(history, done):
    return (
        f"train {history.recent():.3f}, validation {history.checks[done]:.3f} bits/dim"
    )
