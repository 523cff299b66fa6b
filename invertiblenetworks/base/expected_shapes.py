"""What a network takes, in the words of its caller.

Behind a squeeze a layer has other channels and sizes than the arrays of the call, and a
normalisation does not know that it stands in the way of the condition. So a network
looks first.
"""

from __future__ import annotations

import dataclasses

AXES = ("", ", length", ", height, width", ", depth, height, width")
"""Names of so many spatial axes."""


@dataclasses.dataclass(frozen=True)
class Expected:
    """Channels and spatial axes of the arrays of a call.

    Attributes
    ----------
    ndims : int
        Number of spatial axes.
    channels : tuple of int
        Those of the state, or of both of a pair; None for an array of any shape.
    of_result : tuple of int, optional
        The same for the result, if it has other channels.
    of_condition : int, optional
        Channels of the condition, whose spatial shape is that of the state.
    least_ndims : int, optional
        The fewest spatial axes that such a network may have; None if it has to have
        ``ndims``.
    """

    ndims: int
    channels: tuple[int | None, ...]
    of_result: tuple[int, ...] | None = None
    of_condition: int | None = None
    least_ndims: int | None = None


class ExpectedShapesMixin:
    """Check the arrays of a call against ``_expected``, which a network sets.

    Set it to None after changing the layers of a network so that it takes others.
    """

    _expected: Expected | None = None

    def _check_shape(self, shape, cond_shape, inverse):
        if self._expected is not None:
            self._expect_state(shape, inverse)
            if self._expected.of_condition is not None:
                self._expect_condition(cond_shape, shape[2:])
        return super()._check_shape(shape, cond_shape, inverse)

    def _expect_state(self, shape, inverse):
        channels = self._expected.channels
        if inverse and self._expected.of_result is not None:
            channels = self._expected.of_result
        if len(channels) == 1:
            self._expect_array(shape)
            hint = self._hint(channels[0], shape)
            self._expect_axes("an array", channels[0], shape, hint)
            return
        self._expect_pair(shape)
        names = ("a first array", "a second array")
        for name, n_channels, part in zip(names, channels, shape, strict=True):
            if n_channels is not None:
                self._expect_axes(name, n_channels, part)

    def _expect_condition(self, cond_shape, spatial):
        self._expect_axes("a condition", self._expected.of_condition, cond_shape)
        wanted = f"a condition with the spatial shape of the state, {spatial}"
        self._expect(cond_shape[2:] == spatial, wanted, f"shape {cond_shape}")

    def _expect_axes(self, name, n_channels, shape, hint=""):
        ndims = self._expected.ndims
        if len(shape) != ndims + 2 or shape[1] != n_channels:
            wanted = f"{name} of shape (N, {n_channels}{AXES[ndims]})"
            self._refuse(wanted, f"shape {shape}", hint)

    def _hint(self, n_channels, shape):
        """What may have gone wrong with the one array of a call."""
        ndims, least = self._expected.ndims, self._expected.least_ndims
        found, hints = len(shape) - 2, []
        if ndims and shape[-1] == n_channels and shape[1] != n_channels:
            hints.append("Channels come before the spatial axes.")
        if found == ndims - 1 and n_channels in (shape[0], shape[-1]):
            hints.append("A single sample has a first axis of length 1, x[None].")
        if least is not None and found != ndims and least <= found < len(AXES):
            hints.append(f"A network for such arrays is built with ndims={found}.")
        return " ".join(hints)
