"""The table that is printed."""

from __future__ import annotations

from ..base import Bijection
from .memory import Memory
from .patches import BANDS
from .training import History, Settings

MIB = 2.0**20


def describe_network(network: Bijection, settings: Settings) -> str:
    """What is trained."""
    n_parameters = sum(parameter.size for parameter in network.get_params())
    return (
        f"Glow of {settings.scales} scales with {settings.depth} steps each, width "
        f"{settings.width}: {n_parameters:,} parameters"
    )


def describe_bits(bits: dict[str, float], n_patches: int, n_draws: int) -> str:
    """Held-out bits per dimension, one model a line."""
    first, stop = BANDS["held-out"]
    lines = [
        f"Held-out bits per dimension (columns {first}-{stop - 1}: {n_patches} patches "
        f"of 16 x 16, {n_draws} draws of the noise)"
    ]
    lines += [f"  {name:<26}{value:8.3f}" for name, value in bits.items()]
    return "\n".join(lines)


def describe_memory(memory: dict[int, Memory], batch: int) -> str:
    """Memory of a gradient, one depth a line."""
    lines = [
        f"Peak memory of one forward and backward, batch of {batch}, in MiB",
        "  steps per scale      peak   gradients   peak without gradients",
    ]
    for depth, bytes_ in memory.items():
        lines.append(
            f"  {depth:>15}{bytes_.peak / MIB:>10.2f}{bytes_.gradients / MIB:>12.2f}"
            f"{bytes_.working / MIB:>25.2f}"
        )
    return "\n".join(lines)


def describe_training(history: History) -> str:
    """Time, and the checkpoint that was kept."""
    n_steps, best = len(history.train), history.best_step
    return (
        f"Training: {n_steps} steps in {history.seconds:.0f} s "
        f"({1e3 * history.seconds / n_steps:.0f} ms each); kept the network after step "
        f"{best}, validation {history.checks[best]:.3f} bits per dimension"
    )
