"""What ``python -m invertiblenetworks`` does, from its options to its pictures."""

from __future__ import annotations

import argparse
import dataclasses
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
    add("--out", type=Path, default=Path("glow-patches"), metavar="FOLDER",
        help="where to write the network and the pictures (default: %(default)s)")
    add("--seed", type=int, default=0,
        help="of the network, the training and the samples (default: %(default)s)")
    add("--quick", action="store_true",
        help="a small network and few steps, to see that all works; poor samples")
    add("--temperature", type=_positive_float, default=1.0, metavar="T",
        help="draw samples from latents of standard deviation T (default: %(default)s)")
    add("--load", type=Path, metavar="FILE",
        help="evaluate and sample a network saved before, do not train")
    add("--overview", type=Path, metavar="FILE",
        help="also write one picture with patches, samples and training")
    group = parser.add_argument_group("network and training")
    for field in dataclasses.fields(Settings):
        kind = _positive_float if field.type == "float" else _positive_int
        ...
    return parser
