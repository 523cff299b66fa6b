"""Means in which not every pixel counts: sets of different sizes in one batch."""

from __future__ import annotations

from ..base import Net
from ..kernels.channels import join_channels, split_channels


class CarryLast(Net):
    """Apply a net to all channels but the last, which is carried along.

    Parameters
    ----------
    net : Net
        Keeps the spatial sizes, and takes no condition.
    """

    def __init__(self, net: Net):
        self.net = net

    def _forward(self, x, cond):
        features, last = split_channels(x, x.shape[1] - 1)
        return join_channels(self.net._forward(features, None), last)

    def _linearize(self, x, cond):
        features, last = split_channels(x, x.shape[1] - 1)
        y, pull_net = self.net._linearize(features, None)

        def pull(dy, add_grad):
            d_features, d_last = split_channels(dy, dy.shape[1] - 1)
            return join_channels(pull_net(d_features, add_grad)[0], d_last), None

        return join_channels(y, last), pull

    def _jvp(self, dx, dcond, tangent, x, cond):
        (features, last), (d_features, d_last) = (
            split_channels(v, x.shape[1] - 1) for v in (x, dx)
        )
        dy, y = self.net._jvp(d_features, None, tangent, features, None)
        return join_channels(dy, d_last), join_channels(y, last)

    def _initialize(self, x, cond):
        features, last = split_channels(x, x.shape[1] - 1)
        return join_channels(self.net._initialize(features, None), last)

    def _check_shape(self, shape, cond_shape):
        found = f"an array of shape {shape}"
        self._expect(shape[1] > 1, "two channels or more on axis 1", found)
        result = self.net._check_shape((shape[0], shape[1] - 1, *shape[2:]), None)
        wanted = "a net that keeps the spatial sizes"
        self._expect(result[2:] == shape[2:], wanted, f"{shape} to {result}")
        return (shape[0], result[1] + 1, *shape[2:])


class WeightedMean(Net):
    """Mean over all pixels with weights: (N, C + 1, *spatial) to (N, C).

    The last channel holds the weights: 1 for a member of a set and 0 for padding, so
    that sets of different sizes fit into one array.

    Notes
    -----
    ``y = sum(w x) / sum(w)`` over the pixels; at least one weight of each sample must
    be positive. ``dx = w dy / sum(w)``, ``dw = sum_c dy (x - y) / sum(w)``.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import WeightedMean
    >>> members, weights = [3.0, 5.0, 99.0], [1.0, 1.0, 0.0]
    >>> WeightedMean().forward(np.array([[members, weights]]))
    array([[4.]])
    """

    def _mean(self, x):
        """Return (values, weights divided by their sum, sum of weights, mean)."""
        values, weights = split_channels(x, x.shape[1] - 1)
        pixels = tuple(range(2, x.ndim))
        total = weights.sum(axis=pixels, keepdims=True)
        shares = weights / total
        return values, shares, total, (values * shares).sum(axis=pixels)

    def _forward(self, x, cond):
        return self._mean(x)[3]

    def _linearize(self, x, cond):
        values, shares, total, y = self._mean(x)

        def pull(dy, add_grad):
            dy = _on_pixels(dy, x)
            deviations = (dy * (values - _on_pixels(y, x))).sum(axis=1, keepdims=True)
            return join_channels(dy * shares, deviations / total), None

        return y, pull

    def _jvp(self, dx, dcond, tangent, x, cond):
        values, shares, total, y = self._mean(x)
        d_values, d_weights = split_channels(dx, dx.shape[1] - 1)
        moved = d_values * shares
        moved += (values - _on_pixels(y, x)) * (d_weights / total)
        return moved.sum(axis=tuple(range(2, x.ndim))), y

    def _check_shape(self, shape, cond_shape):
        found = f"an array of shape {shape}"
        self._expect(len(shape) > 2, "at least one spatial axis", found)
        self._expect(shape[1] > 1, "two channels or more on axis 1", found)
        return (shape[0], shape[1] - 1)


def _on_pixels(v, x):
    """Reshape (N, C) values to broadcast over the pixels of ``x``."""
    return v.reshape(*v.shape, *(1,) * (x.ndim - 2))
