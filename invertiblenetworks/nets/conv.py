"""Convolutions and their transposes as nets."""

from __future__ import annotations

import math

from .._types import Rng, Shape
from ..base import Net
from ..errors import expect, expect_in, expect_positive
from ..init import constant, float_type, glorot_uniform
from ..kernels.channels import on_channels, sum_but_channels
from ..kernels.conv import (
    conv,
    conv_adjoint_w,
    conv_adjoint_x,
    conv_shape,
    per_axis,
)


class _Convolution(Net):
    """``y = W * x + b``; subclasses say what the product is, and its two adjoints."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int | Shape,
        *,
        stride: int | Shape = 1,
        pad: int | Shape = 0,
        ndims: int = 2,
        bias: bool = True,
        zero: bool = False,
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where = type(self).__name__
        expect_positive(where, n_in=n_in, n_out=n_out)
        expect_in(where, (0, 1, 2, 3), ndims=ndims)
        kernel = per_axis(where, "kernel", kernel, ndims, 1)
        self._window = {
            "stride": per_axis(where, "stride", stride, ndims, 1),
            "pad": per_axis(where, "pad", pad, ndims, 0),
        }
        dtype = float_type(dtype, where)
        shape, taps = (*self._pair(n_in, n_out), *kernel), math.prod(kernel)
        if zero:
            self.W = constant(shape, 0.0, dtype)
        else:
            self.W = glorot_uniform(shape, taps * n_in, taps * n_out, dtype, rng)
        self.b = constant((n_out,), 0.0, dtype) if bias else None
        self.n_in, self.n_out, self.kernel = n_in, n_out, kernel

    def _pair(self, n_in, n_out) -> tuple[int, int]:
        """Order of the channels in the weight."""
        raise NotImplementedError

    def _product(self, x, w):
        raise NotImplementedError

    def _adjoint_x(self, dy, w, x):
        raise NotImplementedError

    def _adjoint_w(self, dy, x):
        raise NotImplementedError

    def _spatial(self, spatial: Shape) -> Shape:
        """Spatial shape of the result."""
        raise NotImplementedError

    def _forward(self, x, cond):
        y = self._product(x, self.W.data)
        if self.b is not None:
            y += on_channels(self.b.data, y)
        return y

    def _linearize(self, x, cond):
        def pull(dy, add_grad):
            add_grad(self.W, self._adjoint_w(dy, x))
            if self.b is not None:
                add_grad(self.b, sum_but_channels(dy))
            return self._adjoint_x(dy, self.W.data, x), None

        return self._forward(x, None), pull

    def _jvp(self, dx, dcond, tangent, x, cond):
        dy = self._product(dx, self.W.data)
        dy += self._product(x, tangent(self.W))
        if self.b is not None:
            dy += on_channels(tangent(self.b), dy)
        return dy, self._forward(x, None)

    def _check_shape(self, shape, cond_shape):
        found, ndims = f"an array of shape {shape}", len(self.kernel)
        self._expect(len(shape) == ndims + 2, f"{ndims} spatial axes", found)
        self._expect_channels(self.n_in, shape)
        return (shape[0], self.n_out, *self._spatial(shape[2:]))


class Conv(_Convolution):
    """Convolution, ``y = W * x + b``.

    Parameters
    ----------
    n_in, n_out : int
        Channels of the input and of the output.
    kernel : int or tuple of int
        Size of the kernel, one for all spatial axes or one for each.
    stride, pad : int or tuple of int, default 1 and 0
        Distance between neighbouring outputs; zeros assumed beyond both ends.
    ndims : {0, 1, 2, 3}, default 2
        Number of spatial axes; 0 for vectors (N, C), where it is a ``Dense`` layer
        and kernel, stride and pad mean nothing.
    bias : bool, default True
        Add ``b``.
    zero : bool, default False
        Start with ``W = 0`` instead of Glorot uniform values.
    dtype : {"float32", "float64"}, default "float32"
        Type of the parameters.
    rng : numpy.random.Generator, optional
        Source of the initial weight.

    Attributes
    ----------
    W : Parameter, shape (n_out, n_in, *kernel)
    b : Parameter, shape (n_out,)
        Starts at zero; ``None`` without bias.

    Notes
    -----
    Each spatial size n becomes ``(n + 2 pad - kernel) // stride + 1``. Kernels are
    correlated with the image, not flipped.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import Conv
    >>> net = Conv(3, 8, 3, stride=2, pad=1)
    >>> net.forward(np.ones((1, 3, 16, 12), "float32")).shape
    (1, 8, 8, 6)
    """

    _is_per_sample = True

    def _pair(self, n_in, n_out):
        return n_out, n_in

    def _product(self, x, w):
        return conv(x, w, **self._window)

    def _adjoint_x(self, dy, w, x):
        return conv_adjoint_x(dy, w, x.shape[2:], **self._window)

    def _adjoint_w(self, dy, x):
        return conv_adjoint_w(dy, x, self.kernel, **self._window)

    def _spatial(self, spatial):
        if not spatial:
            return ()
        sizes = zip(spatial, self.kernel, self._window["pad"], strict=True)
        fits = all(n + 2 * p >= k for n, k, p in sizes)
        wanted = f"images into which a kernel of shape {self.kernel} fits"
        self._expect(fits, wanted, f"the spatial shape {spatial}")
        return conv_shape(spatial, self.kernel, **self._window)


class ConvTranspose(_Convolution):
    """Transposed convolution, ``y = W^T * x + b``: the adjoint of ``Conv``.

    It undoes the change of shape by the ``Conv`` of the same kernel, stride and pad,
    not the map.

    Parameters
    ----------
    n_in, n_out : int
        Channels of the input and of the output.
    kernel, stride, pad : int or tuple of int
        Those of the convolution whose adjoint this is.
    output_padding : int or tuple of int, default 0
        Pixels at the end of each axis of the output beyond the least possible number,
        less than ``stride``. Several sizes are convolved to one if there is a stride:
        this says which one is meant, see Notes.
    ndims, bias, zero, dtype, rng
        As for ``Conv``.

    Attributes
    ----------
    W : Parameter, shape (n_in, n_out, *kernel)
        Weight of a convolution from the output to the input.
    b : Parameter, shape (n_out,)
        Starts at zero; ``None`` without bias.

    Notes
    -----
    Each spatial size n becomes ``(n - 1) stride + kernel - 2 pad + output_padding``.
    To return to the size m that a ``Conv`` had, ``output_padding`` is
    ``(m + 2 pad - kernel) % stride``.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import Conv, ConvTranspose
    >>> x = np.ones((1, 3, 16, 12), "float32")
    >>> y = Conv(3, 8, 3, stride=2, pad=1).forward(x)
    >>> up = ConvTranspose(8, 3, 3, stride=2, pad=1, output_padding=1)
    >>> up.forward(y).shape
    (1, 3, 16, 12)
    """

    _is_per_sample = True

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int | Shape,
        *,
        stride: int | Shape = 1,
        pad: int | Shape = 0,
        output_padding: int | Shape = 0,
        ndims: int = 2,
        bias: bool = True,
        zero: bool = False,
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        super().__init__(
            n_in,
            n_out,
            kernel,
            stride=stride,
            pad=pad,
            ndims=ndims,
            bias=bias,
            zero=zero,
            dtype=dtype,
            rng=rng,
        )
        where, name = "ConvTranspose", "output_padding"
        self.output_padding = per_axis(where, name, output_padding, ndims, 0)
        strides = self._window["stride"]
        fits = all(a < s for a, s in zip(self.output_padding, strides, strict=True))
        wanted = f"output_padding less than the stride {strides}"
        expect(fits, where, wanted, f"{self.output_padding}")

    def _pair(self, n_in, n_out):
        return n_in, n_out

    def _product(self, x, w):
        return conv_adjoint_x(x, w, self._spatial(x.shape[2:]), **self._window)

    def _adjoint_x(self, dy, w, x):
        return conv(dy, w, **self._window)

    def _adjoint_w(self, dy, x):
        # Forwards the product is an adjoint, so the roles of x and dy are exchanged.
        return conv_adjoint_w(x, dy, self.kernel, **self._window)

    def _spatial(self, spatial):
        stride, pad = self._window["stride"], self._window["pad"]
        axes = zip(spatial, self.kernel, stride, pad, self.output_padding, strict=True)
        sizes = tuple((n - 1) * s + k - 2 * p + a for n, k, s, p, a in axes)
        wanted = f"images larger than the padding {pad} takes away"
        self._expect(all(n > 0 for n in sizes), wanted, f"{spatial}")
        return sizes
