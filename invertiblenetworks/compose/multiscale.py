"""``MultiScale``: squeeze, transform, and go on with a part of the channels."""

from __future__ import annotations

from collections.abc import Sequence

from ..base import Bijection, PairMixin
from ..errors import expect
from .chain import Chain
from .condition import WithCondition
from .lanes import on_both
from .parts import OnPart
from .reverse import reverse


class MultiScale(Chain):
    """A network of several scales whose latent has the shape of its input.

    Parameters
    ----------
    levels : sequence of Bijection
        What is applied at each scale, finest first.
    channels : sequence of int, of tuple of two int, or of None
        How many channels go on from each scale to the next (of both arrays, on
        pairs); ``None`` means all. One entry less than there are levels.
    squeezer : Bijection
        Halves the spatial sizes, of both arrays on pairs; undone at the end.
    pair : bool, default False
        Whether the levels act on pairs.
    squeeze_condition : bool, default False
        Squeeze the condition at every scale, too.
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
        channels: Sequence[int | tuple[int, int] | None],
        squeezer: Bijection,
        *,
        pair: bool = False,
        squeeze_condition: bool = False,
        logdet: bool = False,
    ):
        expect(
            len(levels) == len(channels) + 1,
            "MultiScale",
            "one number of channels less than levels",
            f"{len(levels)} levels and {len(channels)} numbers",
        )
        options = dict(pair=pair, squeeze_condition=squeeze_condition)
        squeeze = on_both(squeezer) if pair else [squeezer]
        parts = [*squeeze, levels[0]]
        if channels:
            rest = MultiScale(levels[1:], channels[1:], squeezer, **options)
            parts.append(rest if channels[0] is None else OnPart(rest, channels[0]))
        parts += [reverse(s) for s in squeeze]
        if squeeze_condition:
            parts = [WithCondition(Chain(*parts), squeezer)]
        super().__init__(*parts, logdet=logdet)
        self.n_scales = len(levels)

    def _check_shape(self, shape, cond_shape, inverse):
        # Said here for all scales at once: the squeezers inside only know of theirs.
        divisor = 2**self.n_scales
        lanes = shape if isinstance(shape[0], tuple) else (shape,)
        self._expect(
            all(size % divisor == 0 for lane in lanes for size in lane[2:]),
            f"spatial sizes divisible by {divisor} (2 to the number of scales)",
            f"shape {shape}",
            "Pad or crop the data, or use fewer scales.",
        )
        return super()._check_shape(shape, cond_shape, inverse)


class PairMultiScale(PairMixin, MultiScale):
    """A network of several scales on two arrays."""
