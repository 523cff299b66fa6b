"""What tests of compiled kernels share: blocks, layouts, exact sums, guarded arrays."""

from __future__ import annotations

import numpy as np
import pytest

from invertiblenetworks import compiled_kernels
from invertiblenetworks.kernels import affine_formulas, streamed

EXACT = np.longdouble

COMPILED = pytest.mark.skipif(
    compiled_kernels() is None, reason="about compiled kernels, which are not there"
)

# By whether they are the inverse.
TRANSFORMS = {
    False: affine_formulas.affine_forward,
    True: affine_formulas.affine_inverse,
}
PULLS = {
    False: affine_formulas.affine_backward,
    True: affine_formulas.affine_backward_inv,
}


def arrays(sizes, rng, dtype):
    """Parameters of a block, x as half of the channels of an array, and a cotangent."""
    n, n_in, n_hidden, n_out, spatial, width = sizes
    kernel, ones = (width,) * len(spatial), (1,) * len(spatial)

    def draw(*shape):
        return rng.standard_normal(shape).astype(dtype)

    w1, b1 = draw(n_hidden, n_in, *kernel), draw(n_hidden)
    w2, b2 = draw(n_hidden, n_hidden, *ones), draw(n_hidden)
    w3 = draw(n_hidden, n_out, *kernel)
    x = draw(n, 2 * n_in, *spatial)[:, n_in:]
    return [w1, b1, w2, b2, w3], x, draw(n, n_out, *spatial)


def results(kernel, x, dy):
    y, pull = kernel.linearize(x)
    dx, gradients = pull(dy)
    return [kernel.forward(x), y, dx, *gradients]


def kernel_of(parameters, x, activation, pad):
    return streamed.streamed_block(x, parameters, activation, pad=pad)


LAYOUTS = (
    "plain",
    "channels before samples",
    "some channels",
    "reversed channels",
    "reversed samples",
    "every second sample",
    "pixels with gaps",
    "reversed pixels",
    "column by column",
    "broadcast samples",
    "record",
)


def in_layout(x, layout):
    """The same numbers with other strides; where samples are broadcast, the first's."""
    if layout == "channels before samples":
        return x.swapaxes(0, 1).copy().swapaxes(0, 1)
    if layout == "some channels":
        room = np.full((len(x), x.shape[1] + 3, *x.shape[2:]), np.nan, x.dtype)
        room[:, 1:-2] = x
        return room[:, 1:-2]
    if layout in ("reversed channels", "reversed samples", "reversed pixels"):
        axis = {"channels": 1, "samples": 0, "pixels": x.ndim - 1}[layout.split()[1]]
        return np.flip(np.flip(x, axis).copy(), axis)
    if layout == "every second sample":
        return np.repeat(x, 2, axis=0)[::2]
    if layout == "pixels with gaps":
        return np.repeat(x, 2, axis=-1)[..., ::2]
    if layout == "column by column":
        return np.asfortranarray(x)
    if layout == "broadcast samples":
        return np.broadcast_to(x[:1], x.shape)
    if layout == "record":
        kinds = [("other", "i1"), ("image", x.dtype, x.shape[1:])]
        room = np.zeros(len(x), kinds)
        room["image"] = x
        return room["image"]
    return x.copy()


def in_matrix_layout(matrix, layout):
    """The same matrix in C order, Fortran order, or with gaps or negative strides."""
    if layout == "transposed":
        return np.asfortranarray(matrix)
    if layout == "gaps":
        return np.repeat(np.repeat(matrix, 2, axis=0), 2, axis=1)[::2, ::2]
    if layout == "reversed":
        return matrix[::-1, ::-1].copy()[::-1, ::-1]
    if layout == "reversed rows":
        return matrix[::-1].copy()[::-1]
    return matrix.copy()


MATRIX_LAYOUTS = ("plain", "transposed", "gaps", "reversed", "reversed rows")


def exact(array):
    return np.asarray(array).astype(EXACT)


def columns(x):
    """Channels of all pixels of all samples, as (C, N P)."""
    return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)


def exact_scale(activation, raw):
    """The scale, its logarithm, what that is a sum of, and its derivative."""
    kind, *numbers = activation.compiled_as
    # As floats: what is rounded in float32 is one of the roundings allowed.
    first, second = map(EXACT, numbers)
    decay = np.exp(-abs(raw))
    if kind == "exp_arctan":
        log_s = first * np.arctan(raw)
        return np.exp(log_s), log_s, abs(log_s), first / (1 + raw * raw)
    if kind == "softplus":
        s = np.maximum(raw, 0) + np.log1p(decay)
        return s, np.log(s), abs(np.log(s)) + 1, -np.expm1(-s) / s
    share, rest = np.where(raw < 0, [decay, 0 * raw + 1], [0 * raw + 1, decay])
    share, rest = share / (1 + decay), rest / (1 + decay)
    s = first + (second - first) * share
    return s, np.log(s), abs(np.log(s)) + 2, (second - first) * share * rest / s


def wide_range(dtype):
    """Numbers of all sizes, dense where the reduction of arguments changes."""
    tiny = np.finfo(dtype).smallest_subnormal
    top = np.log10(np.finfo(dtype).max)
    sizes = np.logspace(-top, top - 0.01, 4001, dtype="float64").astype(dtype)
    dense = np.linspace(0, 6, 20001).astype(dtype)
    bends = np.tan(np.pi / 8 * np.array([1, 3])).astype(dtype)
    near = bends[:, None] * (1 + np.finfo(dtype).eps * np.arange(-40, 41)).astype(dtype)
    positive = np.concatenate([sizes, dense, near.ravel(), [tiny, 3 * tiny]])
    return np.concatenate([positive, -positive]).astype(dtype)


def expect_close(found, wanted, bound, units):
    """Each number within so many units of rounding of its type, relative to a bound."""
    assert found.shape == wanted.shape
    error = np.abs(exact(found) - wanted)
    allowed = units * np.finfo(found.dtype).eps * exact(bound)
    worst = (
        np.unravel_index(np.argmax(error - allowed), error.shape) if error.size else ()
    )
    message = f"at {worst}: {error[worst]} is not within {allowed[worst]}"
    assert np.all(error <= allowed), message


class Guards:
    """Arrays between numbers that nothing may write to, nor let into results."""

    MARGIN = 64

    def __init__(self):
        self._rooms = []

    def array(self, shape, dtype, value=None, beside=-0.0):
        """An array whose surroundings hold `beside`, aligned as scratch memory is."""
        size = int(np.prod(shape))
        room = np.full(size + 3 * self.MARGIN, beside, dtype)
        in_line = 64 // room.itemsize
        start = self.MARGIN + -(room.ctypes.data // room.itemsize) % in_line
        result = room[start : start + size].reshape(shape)
        result[...] = np.nan if value is None else value
        outside = np.r_[0:start, start + size : len(room)]
        self._rooms.append((room, outside, room[outside].tobytes()))
        return result

    def check(self):
        """Nothing was written beside any of them, not even another zero."""
        for room, outside, before in self._rooms:
            assert room[outside].tobytes() == before
