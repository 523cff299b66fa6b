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
        Those of the state, or of both of a pair.
    of_condition : int, optional
        Those of the condition, whose spatial shape is that of the state.
    either_way : bool
        Whether the result has the same shapes.
    """

    ndims: int
    channels: tuple[int, ...]
    of_condition: int | None = None
    either_way: bool = True


class ExpectedShapesMixin:
    """Check the arrays of a call against ``_expected``, which a network sets."""

    _expected: Expected

    def _check_shape(self, shape, cond_shape, inverse):
        expected = self._expected
        if expected.either_way or not inverse:
            self._expect_state(shape)
        if expected.of_condition is not None:
            self._expect_condition(cond_shape, shape[2:])
        return super()._check_shape(shape, cond_shape, inverse)

    def _expect_state(self, shape):
        channels = self._expected.channels
        if len(channels) == 1:
            self._expect_array(shape)
            self._expect_axes("an array", channels[0], shape)
            return
        self._expect_pair(shape)
        names = ("a first array", "a second array")
        for name, n_channels, part in zip(names, channels, shape, strict=True):
            self._expect_axes(name, n_channels, part)

    def _expect_condition(self, cond_shape, spatial):
        self._expect_axes("a condition", self._expected.of_condition, cond_shape)
        wanted = f"a condition with the spatial shape of the state, {spatial}"
        self._expect(cond_shape[2:] == spatial, wanted, f"shape {cond_shape}")

    def _expect_axes(self, name, n_channels, shape):
        ndims, hint = self._expected.ndims, ""
        fits = len(shape) == ndims + 2 and shape[1] == n_channels
        if len(shape) != ndims + 2:
            hint = f"Build it with ndims={len(shape) - 2} for such arrays."
        elif shape[-1] == n_channels:
            hint = "Channels come before the spatial axes."
        if len(shape) == ndims + 1:
            hint = f"A single sample takes an axis more, x[None]. {hint}"
        wanted = f"{name} of shape (N, {n_channels}{AXES[ndims]})"
        self._expect(fits, wanted, f"shape {shape}", hint)
