"""What ``python -m invertiblenetworks`` does, from its options to its pictures."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from .. import io
from .._types import Array, Rng
from ..base import Bijection
from . import pictures, report
from .baselines import Baseline, fit_baselines
from .memory import compare_depths
from .patches import SIDE, evaluation_patches
from .training import History, Settings, build_network, evaluate, train

QUICK = Settings(steps=60, width=8, scales=2, depth=2)

SETTINGS = {
    "steps": "updates of the parameters",
    "batch": "patches per update",
    "width": "hidden channels of the conditioners",
    "scales": "scales of the network, L",
    "depth": "steps of the flow per scale, K",
    "reflections": "Householder reflections per 1x1 convolution",
    "learning_rate": "largest step length of ADAM",
    "clip_norm": "largest norm of the gradient of the nats per patch",
}

N_DRAWS = 4
"""Draws of the noise per held-out patch, over which is averaged."""

N_PICTURED = 64
"""Patches in a panel of a picture, a square number."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example with the given, or the command line's, arguments."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.load and options.overview:
        parser.error("--overview shows a training, and --load does not train")
    try:
        # The products are too small to gain from more threads, and threads that wait
        # for each other cost much time on a busy machine.
        with threadpool_limits(1, user_api="blas"):
            run(options)
    except (ArithmeticError, OSError, RuntimeError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m invertiblenetworks",
        description="Train a Glow on 16 x 16 patches of three photographs, compare it "
        "with two baselines on columns it has not seen, measure the memory of its "
        "gradients, and draw what it generates. Nothing is downloaded.",
    )
    add = parser.add_argument
    text = "where to write the network and the pictures (default: %(default)s)"
    add("--out", type=Path, default=Path("glow-patches"), metavar="FOLDER", help=text)
    text = "of the network, the training and the samples (default: %(default)s)"
    add("--seed", type=int, default=0, help=text)
    text = "few steps of a small network, to see that all works; the samples are poor"
    add("--quick", action="store_true", help=text)
    text = "standard deviation of the latents of samples (default: %(default)s)"
    add("--temperature", type=_positive(float), default=1.0, metavar="T", help=text)
    text = "do not train: load this network, built with the same options as then"
    add("--load", type=Path, metavar="FILE", help=text)
    text = "also write held-out patches, samples and training as one picture"
    add("--overview", type=Path, metavar="FILE", help=text)
    group = parser.add_argument_group("network and training")
    for name, text in SETTINGS.items():
        usual, quick = getattr(Settings(), name), getattr(QUICK, name)
        group.add_argument(
            "--" + name.replace("_", "-"),
            type=_positive(type(usual)),
            metavar="N" if isinstance(usual, int) else "X",
            help=f"{text} (default: {usual:g}, with --quick: {quick:g})",
        )
    return parser


def _positive(kind: type):
    def parse(text: str):
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"expected more than 0, got {text}")
        return value

    parse.__name__ = kind.__name__  # argparse names it if the text is no number
    return parse


def run(options: argparse.Namespace) -> None:
    """Train or load a network, then print and draw what it does."""
    options.out.mkdir(parents=True, exist_ok=True)
    settings = choose_settings(options)
    source = np.random.default_rng(options.seed)
    network_rng, training_rng, picture_rng = source.spawn(3)
    network = build_network(settings, network_rng)
    print(report.describe_network(network, settings), flush=True)
    if options.load:
        io.load(options.load, network)
        history, written = None, []
    else:
        history = train(network, settings, _validation(), training_rng)
        print(report.describe_training(history))
        written = [options.out / "network.npz"]
        io.save(written[0], network, **dataclasses.asdict(settings))
    baselines = fit_baselines()
    print_results(network, baselines, settings)
    patches, samples = draw_patches(network, options.temperature, picture_rng)
    written += show_network(network, patches, samples, options)
    if history:
        levels = {name: evaluate(m, _validation()) for name, m in baselines.items()}
        written += show_training(history, levels, patches, samples, options)
    print("Written:", *written, sep="\n  ")


def _validation() -> Array:
    return evaluation_patches("validation", step=SIDE // 2)


def choose_settings(options: argparse.Namespace) -> Settings:
    """Return the usual or the quick settings with what the options change."""
    given = {name: getattr(options, name) for name in SETTINGS}
    changes = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(QUICK if options.quick else Settings(), **changes)


def print_results(
    network: Bijection, baselines: dict[str, Baseline], settings: Settings
) -> None:
    """Evaluate on the held-out part, measure memory, and print both."""
    x = evaluation_patches("held-out", n_draws=N_DRAWS)
    models = {**baselines, "Glow": network}
    bits = {name: evaluate(model, x) for name, model in models.items()}
    print(report.describe_bits(bits, len(x) // N_DRAWS, N_DRAWS))
    memory = compare_depths(settings, x[: settings.batch])
    print(report.describe_memory(memory, settings.batch))


def draw_patches(
    network: Bijection, temperature: float, rng: Rng
) -> tuple[Array, Array]:
    """Return held-out patches drawn at random, and as many samples of the network."""
    held_out = evaluation_patches("held-out")
    patches = held_out[rng.choice(len(held_out), N_PICTURED, replace=False)]
    z = rng.standard_normal(patches.shape, dtype=patches.dtype)
    return patches, network.inverse(temperature * z)


def show_network(
    network: Bijection, patches: Array, samples: Array, options: argparse.Namespace
) -> list[Path]:
    """Write the pictures that need no training, and return their paths."""
    z, _ = network.forward(patches)
    files = [options.out / "samples.png", options.out / "reconstructions.png"]
    pictures.save_samples(files[0], patches, samples, options.temperature)
    pictures.save_reconstructions(files[1], patches, network.inverse(z))
    return files


def show_training(
    history: History,
    levels: dict[str, float],
    patches: Array,
    samples: Array,
    options: argparse.Namespace,
) -> list[Path]:
    """Write the pictures with the curves of the training, and return their paths."""
    files = [options.out / "training.png"]
    pictures.save_training(files[0], history, levels)
    if options.overview:
        files.append(options.overview)
        options.overview.parent.mkdir(parents=True, exist_ok=True)
        pictures.save_overview(
            files[1], patches, samples, options.temperature, history, levels
        )
    return files
