"""``MultiScale``: squeeze, transform, and go on with a part of the channels."""

from __future__ import annotations

from collections.abc import Sequence

from ..base import Bijection
from ..errors import expect
from .chain import Chain
from .parts import OnPart
from .reverse import reverse


class MultiScale(Chain):
    """A network of several scales whose latent has the shape of its input.

    Parameters
    ----------
    levels : sequence of Bijection
        What is applied at each scale, finest first.
    channels : sequence of int
        How many channels go on from each scale to the next: one number less than
        there are levels.
    squeezer : Bijection
        Halves the spatial sizes; undone at the end.
    logdet : bool, default False
        As for every layer.

    Raises
    ------
    ValueError
        If the numbers of levels and channels do not fit; when called, if a spatial
        size is not divisible by ``2^len(levels)``.

    Notes
    -----
    The recursion ``M = squeeze, level, (M' on the first channels), unsqueeze``. The
    channels that do not go on are latent variables already and keep their place.
    Since nothing is flattened, sampling needs no forward pass and no batch size.

    References
    ----------
    Dinh, Sohl-Dickstein and Bengio (2017), Real NVP, section 3.6, arXiv:1605.08803.
    """

    def __init__(
        self,
        levels: Sequence[Bijection],
        channels: Sequence[int],
        squeezer: Bijection,
        *,
        logdet: bool = False,
    ):
        expect(
            len(levels) == len(channels) + 1,
            "MultiScale",
            "one number of channels less than levels",
            f"{len(levels)} levels and {len(channels)} numbers",
        )
        parts = [squeezer, levels[0]]
        if channels:
            rest = MultiScale(levels[1:], channels[1:], squeezer)
            parts.append(OnPart(rest, channels[0]))
        super().__init__(*parts, reverse(squeezer), logdet=logdet)
        self.n_scales = len(levels)

    def _check_shape(self, shape, cond_shape, inverse):
        # Said here for all scales at once: the squeezers inside only know of theirs.
        divisor = 2**self.n_scales
        self._expect(
            all(size % divisor == 0 for size in shape[2:]),
            f"spatial sizes divisible by {divisor} (2 to the number of scales)",
            f"an array of shape {shape}",
            "Pad or crop the data, or use fewer scales.",
        )
        return super()._check_shape(shape, cond_shape, inverse)
