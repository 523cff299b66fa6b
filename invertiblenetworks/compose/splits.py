"""Which part of a state is active: a group of channels, or one array of a pair."""

from __future__ import annotations

from ..errors import expect_positive
from ..kernels.channels import empty_state, join_channels, split_channels


class ChannelSplit:
    """Cut the channels into an active and a passive group.

    Parameters
    ----------
    k : int, or tuple of two int
        The channels are cut into the first ``k`` and the rest; of a pair of arrays,
        each at its own number.
    first_active : bool, default True
        Whether the first group is the active one.
    """

    def __init__(self, k: int | tuple[int, int], *, first_active: bool = True):
        for number in k if isinstance(k, tuple) else (k,):
            expect_positive("ChannelSplit", k=number)
        self.k, self.first_active = k, first_active

    @property
    def takes_pair(self) -> bool:
        """Whether it cuts a pair of arrays."""
        return isinstance(self.k, tuple)

    def cut(self, x):
        """Return (active, passive) views."""
        return self._each_lane(x, split_channels)

    def join(self, active, passive):
        """Return the whole."""
        first, second = (active, passive) if self.first_active else (passive, active)
        if not self.takes_pair:
            return join_channels(first, second)
        return tuple(join_channels(*lane) for lane in zip(first, second, strict=True))

    def empty_like(self, x):
        """Return a new whole of the shape of ``x``, and its (active, passive) views.

        Whoever asks writes both.
        """
        whole = empty_state(x)
        return whole, self.cut(whole)

    def cut_shape(self, shape):
        """Return the shapes of (active, passive)."""
        return self._each_lane(shape, _split_shape)

    def _each_lane(self, value, function):
        if self.takes_pair:
            lanes = [function(*lane) for lane in zip(value, self.k, strict=True)]
            first, second = zip(*lanes, strict=True)
        else:
            first, second = function(value, self.k)
        return (first, second) if self.first_active else (second, first)


def _split_shape(shape, k):
    n_samples, n_channels, *spatial = shape
    return (n_samples, k, *spatial), (n_samples, n_channels - k, *spatial)


class PairSplit:
    """Take a pair as it is: one of the two arrays is active.

    Parameters
    ----------
    first_active : bool, default False
        Whether the first array is the active one.
    """

    takes_pair = True

    def __init__(self, *, first_active: bool = False):
        self.first_active = first_active

    def cut(self, x):
        """Return (active, passive)."""
        return x if self.first_active else (x[1], x[0])

    def join(self, active, passive):
        """Return the pair."""
        return (active, passive) if self.first_active else (passive, active)

    def empty_like(self, x):
        """Return a new pair of the shapes of ``x``, and its (active, passive) arrays.

        Whoever asks writes both.
        """
        whole = tuple(empty_state(lane) for lane in x)
        return whole, self.cut(whole)

    def cut_shape(self, shape):
        """Return the shapes of (active, passive)."""
        return self.cut(shape)
