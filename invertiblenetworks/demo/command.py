"""What ``python -m invertiblenetworks`` does, from its options to its pictures."""

from __future__ import annotations

import argparse
import dataclasses
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import io
from .._types import Array
from ..base import Bijection
from . import pictures, report
from .baselines import fit_baselines
from .memory import compare_depths
from .patches import SIDE, evaluation_patches
from .training import History, Settings, build_network, evaluate, train

QUICK = Settings(steps=60, batch=32, width=8, depth=2)

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
    network_rng, training_rng, picture_rng = np.random.default_rng(options.seed).spawn(
        3
    )
    network = build_network(settings, network_rng)
    print(report.describe_network(network, settings), flush=True)
    baselines = fit_baselines()
    history, written = None, []
    if options.load:
        io.load(options.load, network)
    else:
        history = train(network, settings, _validation(), training_rng)
        print(report.describe_training(history))
        written.append(options.out / "network.npz")
        io.save(written[0], network, **dataclasses.asdict(settings))
    print_results(network, baselines, settings)
    written += write_patches(network, options, picture_rng)
    if history:
        levels = {name: evaluate(m, _validation()) for name, m in baselines.items()}
        written.append(options.out / "training.png")
        pictures.save_training(written[-1], history, levels)
    print("Written:", *written, sep="\n  ")


def choose_settings(options: argparse.Namespace) -> Settings:
    """Return the usual or the quick settings with what the options change."""
    given = {name: getattr(options, name) for name in SETTINGS}
    changes = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(QUICK if options.quick else Settings(), **changes)


def print_results(
    network: Bijection, baselines: dict[str, object], settings: Settings
) -> None:
    """Evaluate on the held-out part, measure memory, and print both."""
    x = evaluation_patches("held-out", n_draws=N_DRAWS)
    models = {**baselines, "Glow": network}
    bits = {name: evaluate(model, x) for name, model in models.items()}
    print(report.describe_bits(bits, len(x) // N_DRAWS, N_DRAWS))
    memory = compare_depths(settings, x[: settings.batch])
    print(report.describe_memory(memory, settings.batch))
