"""Streamed block of convolutions that reach over neighbouring pixels, or stride.

A pixel of one hidden state needs its neighbours in the one before, so hidden states
are whole. Each convolution goes through them tile by tile and adds to the next, which
begins as what else is a part of it: the bias, and the skip.
"""

from __future__ import annotations

from .._types import Array, Shape
from ..backend import get_array_module
from .activation_layers import Activation
from .channels import on_channels
from .conv import conv_geometry
from .conv_tiled import add_transform, by_tap, correlate, from_taps, transform
from .parts import by_parts
from .patches import Geometry
from .streamed_block import Gradients, Pull
from .workspace import Lease, empty_result


class SpatialBlock:
    """See `streamed_block`. Hidden states are in memory that is used again.

    There are two for a result and for what a gradient holds; it takes two more. In
    memory they are ``(n_hidden, N, *target)``, so that a tile of channels is a matrix;
    ``target`` is the spatial shape after the first convolution.

    Parameters
    ----------
    w1, b1, w2, b2, w3 : array
        As for `streamed_pointwise`, with ``w2`` of any odd size.
    activation : Activation
    stride, pad : int
        Of the first convolution, and of the third, which is the adjoint of such a one.
    """

    def __init__(self, w1, b1, w2, b2, w3, activation: Activation, stride, pad):
        self.w1, self.b1, self.w2, self.b2, self.w3 = w1, b1, w2, b2, w3
        self.activation = activation
        self.stride, self.pad = stride, pad

    def forward(self, x: Array) -> Array:
        """Return y of shape (N, n_out, *spatial)."""
        _, h2 = self._hidden(x)
        return self._third(h2.images, x)

    def linearize(self, x: Array) -> tuple[Array, Pull]:
        """Return y, and the function that pulls its cotangent back."""
        h1, h2 = self._hidden(x)

        def pull(dy: Array) -> tuple[Array, Gradients]:
            return self._backward(dy, x, h1, h2)

        return self._third(h2.images, x), pull

    def _geometries(self, x) -> tuple[Geometry, Geometry]:
        """Of the first convolution, and of the second, which keeps the size."""
        kernel1, kernel2 = self.w1.shape[2:], self.w2.shape[2:]
        where = type(self).__name__
        outer = conv_geometry(where, x.shape[2:], kernel1, self.stride, self.pad)
        pad = tuple(k // 2 for k in kernel2)
        return outer, conv_geometry(where, outer.target, kernel2, 1, pad)

    def _hidden(self, x) -> tuple[_Hidden, _Hidden]:
        outer, inner = self._geometries(x)
        h1, h2 = self._room(x, outer), self._room(x, outer)
        phi = self.activation.forward_in_place
        h1.images[...] = on_channels(self.b1, x)
        add_transform(x, by_tap(self.w1), outer, h1.images)
        by_parts(phi, h1.flat)
        xp = get_array_module(x)
        xp.add(h1.images, on_channels(self.b2, x), out=h2.images)
        add_transform(h1.images, by_tap(self.w2), inner, h2.images)
        by_parts(phi, h2.flat)
        return h1, h2

    def _room(self, x, outer) -> _Hidden:
        return _Hidden((len(self.w1), len(x), *outer.target), x)

    def _third(self, h2, x) -> Array:
        y = empty_result((len(x), self.w3.shape[1], *x.shape[2:]), x)
        y[...] = 0
        add_transform(h2, *self._adjoint(self.w3, x), y)
        return y

    def _adjoint(self, w, x) -> tuple[Array, Geometry]:
        """Matrices and geometry of the adjoint of the first or third convolution."""
        outer, _ = self._geometries(x)
        return by_tap(w).swapaxes(1, 2), outer.reversed()

    def _backward(self, dy, x, h1, h2):
        vjp = self.activation.vjp_in_place
        outer, inner = self._geometries(x)
        dw3 = from_taps(correlate(h2.images, dy, outer), self.w3.shape)
        da2, da1 = self._room(x, outer), self._room(x, outer)
        da2.images[...] = 0
        add_transform(dy, by_tap(self.w3), outer, da2.images)
        by_parts(vjp, da2.flat, h2.flat)
        dw2 = from_taps(correlate(da2.images, h1.images, inner), self.w2.shape)
        db2 = da2.sum()
        da1.images[...] = da2.images
        w2_adjoint = by_tap(self.w2).swapaxes(1, 2)
        add_transform(da2.images, w2_adjoint, inner.reversed(), da1.images)
        by_parts(vjp, da1.flat, h1.flat)
        dw1 = from_taps(correlate(da1.images, x, outer), self.w1.shape)
        db1 = da1.sum()
        dx = transform(da1.images, *self._adjoint(self.w1, x))
        return dx, Gradients(dw1, db1, dw2, db2, dw3)


class _Hidden:
    """A hidden state of any content at first.

    Parameters
    ----------
    shape : tuple of int
        (n_hidden, N, *target)
    like : array
        Gives the type.

    Attributes
    ----------
    images : array, shape (N, n_hidden, *target)
    flat : array
        The same entries in another order.
    """

    def __init__(self, shape: Shape, like: Array):
        self._lease = Lease(shape, like)
        self.images = self._lease.array.swapaxes(0, 1)
        self.flat = self._lease.array.reshape(-1)

    def sum(self) -> Array:
        """Sum over samples and pixels."""
        return self.flat.reshape(self.images.shape[1], -1).sum(axis=1)
