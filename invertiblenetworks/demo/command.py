"""What ``python -m invertiblenetworks`` does, from its options to its pictures."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import io
from .._types import Array, Rng
from ..base import Bijection
from . import pictures, report
from .baselines import FullGaussian, IndependentPixels
from .memory import Memory, measure_memory
from .patches import dequantise, evaluation_patches, grid_patches, load_band
from .training import History, Settings, build_network, evaluate, train

QUICK = Settings(steps=60, batch=32, width=8, depth=2)

SETTINGS = {
    "steps": "updates of the parameters",
    "batch": "patches per update",
    "width": "hidden channels of the conditioners",
    "scales": "scales of the network, L",
    "depth": "steps of the flow per scale, K",
    "reflections": "Householder reflections per 1x1 convolution",
    "learning_rate": "largest step size of ADAM",
    "clip_norm": "largest norm of a gradient, in nats per patch",
}

N_DRAWS = 4
"""Draws of the noise per held-out patch, over which is averaged."""

N_PICTURED = 64
"""Patches in a panel of a picture."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example with the given, or the command line's, arguments."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.load and options.overview:
        parser.error("--overview shows a training, and --load does not train")
    try:
        run(options)
    except (OSError, RuntimeError, ValueError) as error:
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
    text = "do not train: evaluate this saved network and draw samples from it"
    add("--load", type=Path, metavar="FILE", help=text)
    text = "also write held-out patches, samples and training as one picture"
    add("--overview", type=Path, metavar="FILE", help=text)
    group = parser.add_argument_group("network and training")
    for name, text in SETTINGS.items():
        default = getattr(Settings(), name)
        group.add_argument(
            "--" + name.replace("_", "-"),
            type=_positive(type(default)),
            metavar="N" if isinstance(default, int) else "X",
            help=f"{text} (default: {default:g}, quick: {getattr(QUICK, name):g})",
        )
    return parser


def _positive(kind: type):
    def parse(text: str):
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"expected more than 0, got {text}")
        return value

    parse.__name__ = f"positive {kind.__name__}"  # argparse shows it on a bad number
    return parse


def run(options: argparse.Namespace) -> None:
    """Train or load a network, then print and draw what it does."""
    options.out.mkdir(parents=True, exist_ok=True)
    network_rng, training_rng, sample_rng = np.random.default_rng(options.seed).spawn(3)
    history = None
    if options.load:
        network, settings = load_network(options.load)
    else:
        settings = choose_settings(options)
        network = build_network(settings, network_rng)
        print(report.describe_start(network, settings))
        validation = evaluation_patches("validation", step=SIDE // 2)
        history = train(network, settings, validation, training_rng)
        io.save(options.out / "network.npz", network, **dataclasses.asdict(settings))
    held_out = evaluation_patches("held-out", n_draws=N_DRAWS)
    models = {**fit_baselines(), "Glow": network}
    ...
