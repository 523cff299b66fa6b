"""The pictures: patches side by side, and the course of the training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .._types import Array
from .training import History

MODEL, GAUSSIAN, PIXELS, LIGHT = "#1f5fa8", "#c8553d", "#6b6b6b", "#a9c4e4"

N_RECONSTRUCTED = 16
"""Patches in the picture of reconstructions."""


def mosaic(patches: Array, n_columns: int, gap: int = 2) -> Array:
    """Lay patches out in rows on a white ground.

    Parameters
    ----------
    patches : array, shape (N, 1, H, W)
        Values in [0, 1]; what lies outside is clipped.
    n_columns : int
        Patches per row; must divide N.
    gap : int
        White pixels between the patches.

    Returns
    -------
    array, shape (n_rows (H + gap) - gap, n_columns (W + gap) - gap)
    """
    padding = ((0, 0), (0, gap), (0, gap))
    framed = np.pad(patches[:, 0].clip(0, 1), padding, constant_values=1.0)
    _, height, width = framed.shape
    rows = framed.reshape(-1, n_columns, height, width).swapaxes(1, 2)
    return rows.reshape(-1, n_columns * width)[:-gap, :-gap]


def save_samples(path: Path, real: Array, samples: Array, temperature: float) -> None:
    """Held-out patches beside samples; of each a square number."""
    figure = Figure(figsize=(8.6, 4.5), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    left, right = figure.subplots(1, 2)
    show_square(left, real, "Held-out patches")
    show_square(right, samples, _sample_title(temperature))
    figure.savefig(path, dpi=150)


def save_training(path: Path, history: History, baselines: dict[str, float]) -> None:
    """Bits per dimension against the step."""
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    show_training(figure.subplots(), history, baselines)
    figure.savefig(path, dpi=150)


def save_reconstructions(path: Path, patches: Array, again: Array) -> None:
    """Patches, ``inverse(forward(patches))`` and the magnified difference."""
    patches, again = patches[:N_RECONSTRUCTED], again[:N_RECONSTRUCTED]
    error = np.abs(again - patches)
    largest = max(float(error.max()), float(np.finfo(error.dtype).tiny))
    rows = {
        "held-out patches": patches,
        "reconstructions": again,
        f"errors (white: {largest:.1e})": error / largest,
    }
    figure = Figure(figsize=(10.0, 2.4), layout="constrained")
    for axis, (title, row) in zip(figure.subplots(3, 1), rows.items(), strict=True):
        show_patches(axis, row, len(row))
        axis.set_ylabel(title, rotation=0, ha="right", va="center", fontsize=11)
    figure.suptitle(
        "inverse(forward(x)) in float32, on a grey range of 0 to 1", fontsize=12
    )
    figure.savefig(path, dpi=150)


def save_overview(
    path: Path,
    real: Array,
    samples: Array,
    temperature: float,
    history: History,
    baselines: dict[str, float],
) -> None:
    """Held-out patches, samples and training in one picture."""
    figure = Figure(figsize=(12.6, 4.0), layout="constrained")
    left, middle, right = figure.subplots(
        1, 3, gridspec_kw={"width_ratios": [1.0, 1.0, 1.25]}
    )
    show_square(left, real, "Held-out patches")
    show_square(middle, samples, _sample_title(temperature))
    show_training(right, history, baselines)
    figure.savefig(path, dpi=150)


def show_square(axis: Axes, patches: Array, title: str) -> None:
    """Draw as many rows as columns of patches."""
    show_patches(axis, patches, round(len(patches) ** 0.5))
    axis.set_title(title, fontsize=12)


def show_patches(axis: Axes, patches: Array, n_columns: int) -> None:
    """Draw patches without a frame."""
    axis.imshow(mosaic(patches, n_columns), cmap="gray", vmin=0, vmax=1)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def show_training(axis: Axes, history: History, baselines: dict[str, float]) -> None:
    """Draw the curves of the model and a level line for each baseline."""
    n_steps = len(history.train)
    window = max(1, n_steps // 40)
    smooth = np.convolve(history.train, np.full(window, 1 / window), "valid")
    label = f"training, mean of {window} steps"
    axis.plot(np.arange(window, n_steps + 1), smooth, color=LIGHT, lw=1.5, label=label)
    checks = list(history.checks.values())
    axis.plot(list(history.checks), checks, color=MODEL, lw=2, label="validation")
    best = history.best_step
    kept = dict(marker="o", ls="", color=MODEL, clip_on=False)
    axis.plot(best, history.checks[best], label="selected", **kept)
    for (name, bits), color in zip(baselines.items(), (PIXELS, GAUSSIAN), strict=True):
        axis.axhline(bits, color=color, lw=1.5, ls="--")
        axis.annotate(
            f"{name}, {bits:.2f}",
            (0.99, bits),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            color=color,
        )
    bottom = min(*checks, *smooth, *baselines.values()) - 0.2
    axis.set(xlim=(0, n_steps), ylim=(bottom, max(8.3, *baselines.values())))
    axis.set(xlabel="step", ylabel="bits per dimension")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, loc="upper right", bbox_to_anchor=(1.0, 0.85))
    axis.set_title("Training (baselines: on the validation part)", fontsize=12)


def _sample_title(temperature):
    return f"Samples of the flow (temperature {temperature:g})"
