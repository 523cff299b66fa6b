"""Streamed block whose second convolution reaches over neighbouring pixels.

A pixel of one hidden state needs its neighbours in the one before, so hidden states
are whole. Each convolution goes through them tile by tile and adds to the next, which
begins as what else is a part of it: the bias, and the skip.
"""

from __future__ import annotations

from collections.abc import Callable

from .._types import Array
from ..backend import get_array_module
from .activation_layers import Activation
from .channels import on_channels
from .conv_tiled import add_transform, by_tap, correlate, from_taps, transform
from .memory import in_tile, steps
from .patches import Geometry
from .streamed_block import Gradients, Pull
from .workspace import Lease

PART = 2**17
"""Entries of a hidden state that an activation takes at a time, for the cache."""


class SpatialBlock:
    """See `streamed_block`. Hidden states are in memory that is used again.

    There are two for a result and for what a gradient holds; it takes two more. In
    memory they are ``(n_hidden, N, *spatial)``, so that a tile of channels is a matrix.
    """

    def __init__(self, w1, b1, w2, b2, w3, activation: Activation):
        self.w1, self.b1, self.w2, self.b2, self.w3 = w1, b1, w2, b2, w3
        self.activation = activation

    def forward(self, x: Array) -> Array:
        """Return y of shape (N, n_out, *spatial)."""
        _, h2 = self._hidden(x)
        return self._third(h2.images)

    def linearize(self, x: Array) -> tuple[Array, Pull]:
        """Return y, and the function that pulls its cotangent back."""
        h1, h2 = self._hidden(x)

        def pull(dy: Array) -> tuple[Array, Gradients]:
            return self._backward(dy, x, h1, h2)

        return self._third(h2.images), pull

    def _hidden(self, x) -> tuple[_Hidden, _Hidden]:
        h1, h2 = _Hidden(len(self.w1), x), _Hidden(len(self.w1), x)
        phi = self.activation.forward_in_place
        h1.images[...] = on_channels(self.b1, x)
        add_transform(x, by_tap(self.w1), _geometry(self.w1, x), h1.images)
        _by_parts(phi, h1)
        xp = get_array_module(x)
        xp.add(h1.images, on_channels(self.b2, x), out=h2.images)
        add_transform(h1.images, by_tap(self.w2), _geometry(self.w2, x), h2.images)
        _by_parts(phi, h2)
        return h1, h2

    def _third(self, h2) -> Array:
        return transform(h2, *_adjoint(self.w3, h2))

    def _backward(self, dy, x, h1, h2):
        vjp = self.activation.vjp_in_place
        outer, inner = _geometry(self.w1, x), _geometry(self.w2, x)
        dw3 = from_taps(correlate(h2.images, dy, outer), self.w3.shape)
        da2, da1 = _Hidden(len(self.w1), x), _Hidden(len(self.w1), x)
        da2.images[...] = 0
        add_transform(dy, by_tap(self.w3), outer, da2.images)
        _by_parts(vjp, da2, h2)
        dw2 = from_taps(correlate(da2.images, h1.images, inner), self.w2.shape)
        db2 = da2.sum()
        da1.images[...] = da2.images
        add_transform(da2.images, *_adjoint(self.w2, x), da1.images)
        _by_parts(vjp, da1, h1)
        dw1 = from_taps(correlate(da1.images, x, outer), self.w1.shape)
        db1 = da1.sum()
        dx = transform(da1.images, *_adjoint(self.w1, x))
        return dx, Gradients(dw1, db1, dw2, db2, dw3)


class _Hidden:
    """A hidden state of images ``x``, of any content at first.

    Attributes
    ----------
    images : array, shape (N, n_hidden, *spatial)
    flat : array
        The same entries in another order.
    """

    def __init__(self, n_hidden: int, x: Array):
        self._lease = Lease((n_hidden, len(x), *x.shape[2:]), x)
        self.images = self._lease.array.swapaxes(0, 1)
        self.flat = self._lease.array.reshape(-1)

    def sum(self) -> Array:
        """Sum over samples and pixels."""
        return self.flat.reshape(self.images.shape[1], -1).sum(axis=1)


def _geometry(w: Array, x: Array) -> Geometry:
    """That of a convolution that keeps the size."""
    spatial, kernel = x.shape[2:], w.shape[2:]
    pad = tuple(k // 2 for k in kernel)
    return Geometry(spatial, spatial, kernel, (1,) * len(kernel), pad)


def _adjoint(w: Array, x: Array) -> tuple[Array, Geometry]:
    """Matrices and geometry of the adjoint of a convolution in its images."""
    return by_tap(w).swapaxes(1, 2), _geometry(w, x).reversed()


def _by_parts(function: Callable, *states: _Hidden) -> None:
    """Call an elementwise function on parts that stay in the cache, one by one."""
    size, length = states[0].flat.size, in_tile(PART)
    for start in steps(range(0, size, length)):
        function(*(state.flat[start : start + length] for state in states))
