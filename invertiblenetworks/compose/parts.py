"""Bijections that act on one part of the channels, or rearrange parts."""

from __future__ import annotations

from ..base import Bijection, LinearIsometry
from ..errors import describe, expect_positive, message
from ..kernels.channels import join_channels, split_channels
from .splits import ChannelSplit


class OnPart(Bijection):
    """Apply a bijection to one group of channels and leave the others alone.

    Parameters
    ----------
    layer : Bijection
        What is applied.
    k : int, or tuple of two int
        The channels are cut into the first ``k`` and the rest; of a pair of arrays,
        each at its own number.
    first : bool, default True
        Apply the layer to the first group, or to the second.
    logdet : bool, default False
        As for every layer.

    Notes
    -----
    The log-determinant is that of ``layer``. With ``Chain`` this makes networks of
    many scales: the untouched channels are latent variables already, and stay where
    they are, so that the latent has the shape of the input.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import ActNorm, OnPart
    >>> x = np.random.rand(4, 6, 2, 2).astype("float32")
    >>> y = OnPart(ActNorm(2), 2).forward(x)
    >>> bool((y[:, 2:] == x[:, 2:]).all())
    True
    """

    def __init__(
        self,
        layer: Bijection,
        k: int | tuple[int, int],
        *,
        first: bool = True,
        logdet: bool = False,
    ):
        if not isinstance(layer, Bijection):
            raise TypeError(message("OnPart", "a bijection", describe(layer)))
        self.layer, self.logdet = layer, logdet
        self.split = ChannelSplit(k, first_active=first)

    @property
    def cond_kind(self) -> str:
        """The kind of condition of the layer behind."""
        return self.layer.cond_kind

    def _forward(self, x, cond):
        active, passive = self.split.cut(x)
        active, ld = self.layer._forward(active, cond)
        return self.split.join(active, passive), ld

    def _inverse(self, y, cond):
        active, passive = self.split.cut(y)
        active, ld = self.layer._inverse(active, cond)
        return self.split.join(active, passive), ld

    def _backward(self, dy, dld, y, cond, add_grad):
        (d_active, d_passive), (active, passive) = self.split.cut(dy), self.split.cut(y)
        d_active, active, dcond = self.layer._backward(
            d_active, dld, active, cond, add_grad
        )
        return (
            self.split.join(d_active, d_passive),
            self.split.join(active, passive),
            dcond,
        )

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        (d_active, d_passive), (active, passive) = self.split.cut(dx), self.split.cut(x)
        d_active, active, dcond = self.layer._backward_inv(
            d_active, dld, active, cond, add_grad
        )
        return (
            self.split.join(d_active, d_passive),
            self.split.join(active, passive),
            dcond,
        )

    def _jacobian(self, dx, dcond, tangent, x, cond):
        (d_active, d_passive), (active, passive) = self.split.cut(dx), self.split.cut(x)
        d_active, active, dld, ld = self.layer._jacobian(
            d_active, dcond, tangent, active, cond
        )
        return (
            self.split.join(d_active, d_passive),
            self.split.join(active, passive),
            dld,
            ld,
        )

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        (d_active, d_passive), (active, passive) = self.split.cut(dy), self.split.cut(y)
        d_active, active, dld, ld = self.layer._jacobian_inv(
            d_active, dcond, tangent, active, cond
        )
        return (
            self.split.join(d_active, d_passive),
            self.split.join(active, passive),
            dld,
            ld,
        )

    def _check_shape(self, shape, cond_shape, inverse):
        lanes = [(shape, self.split.k)]
        if self.split.takes_pair:
            self._expect_pair(shape)
            lanes = zip(shape, self.split.k, strict=True)
        else:
            self._expect_array(shape)
        for lane, k in lanes:
            found = f"an array of shape {lane}"
            self._expect(lane[1] > k, f"more than {k} channels on axis 1", found)
        active, _ = self.split.cut_shape(shape)
        result = self.layer._check_shape(active, cond_shape, inverse)
        self._expect(
            result == active,
            "a layer that keeps the shape of its part",
            f"a change from {active} to {result}",
        )
        return shape

    def _initialize(self, x, cond, inverse):
        active, passive = self.split.cut(x)
        return self.split.join(self.layer._initialize(active, cond, inverse), passive)


class Split(LinearIsometry):
    """Cut an array into a pair of channel groups: the first ``k``, and the rest.

    Leads from layers on one array to layers on pairs; its ``reverse`` leads back.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import Split
    >>> [part.shape for part in Split(1).forward(np.ones((2, 3, 4, 4)))]
    [(2, 1, 4, 4), (2, 2, 4, 4)]
    """

    def __init__(self, k: int):
        expect_positive("Split", k=k)
        self.k = k

    def _apply(self, x):
        return split_channels(x, self.k)

    def _undo(self, y):
        return join_channels(*y)

    def _check_shape(self, shape, cond_shape, inverse):
        return self._joined_shape(shape) if inverse else self._cut_shape(shape)

    def _cut_shape(self, shape):
        self._expect_array(shape)
        (n, n_channels, *spatial), k = shape, self.k
        found = f"an array of shape {shape}"
        self._expect(n_channels > k, f"more than {k} channels on axis 1", found)
        return (n, k, *spatial), (n, n_channels - k, *spatial)

    def _joined_shape(self, shape):
        self._expect_pair(shape)
        (first, second), k = shape, self.k
        fits = first[1] == k and first[:1] + first[2:] == second[:1] + second[2:]
        wanted = f"two arrays that differ in channels only, the first with {k}"
        self._expect(fits, wanted, f"shapes {first} and {second}")
        return (first[0], k + second[1], *first[2:])


class Swap(LinearIsometry):
    """Exchange the two arrays of a pair."""

    def _apply(self, x):
        return x[1], x[0]

    def _undo(self, y):
        return y[1], y[0]

    def _check_shape(self, shape, cond_shape, inverse):
        self._expect_pair(shape)
        return shape[1], shape[0]
