"""Activation functions: value, inverse where there is one, and gradient.

A gradient function takes the cotangent ``dy`` of the output, and the *output* ``y``
if the function is invertible (then a net need not keep its pre-activations), else
the *input* ``x``. The layers made of these functions are in `activation_layers`.

Original: slimgroup/InvertibleNetworks.jl: src/utils/activation_functions.jl
"""

from __future__ import annotations

import math

import numpy as np

from .._types import Array
from ..backend import expect_array, get_array_module
from ..errors import expect
from .channels import empty_state, half_channels, n_channels, split_channels
from .parts import parts_of_images

# The original rounds 2 / pi, which would make exp_clamp reach exp(±clamp), to this.
CLAMP_FACTOR = 0.636

FAR = 40.0
"""So far below zero ``log(1 + exp(x))`` is ``exp(x)``, in double precision too."""


def _expect_between(where: str, y: Array, low: float, high: float) -> None:
    """Raise unless all elements of a NumPy array lie in the open range (low, high).

    An array on the device is not looked at: that would wait for the device.
    """
    if get_array_module(y) is np and not np.all((y > low) & (y < high)):
        expected = f"all values in the open range ({low:.6g}, {high:.6g})"
        expect(False, where, expected, f"values from {y.min():.6g} to {y.max():.6g}")


def relu(x: Array, out: Array | None = None) -> Array:
    """Rectified linear unit: ``max(x, 0)``.

    Written to ``out`` if that is given; it may be ``x``.
    """
    return get_array_module(x).maximum(x, 0, out=out)


def relu_grad(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Gradient of `relu`: ``dy`` where ``x > 0``, else 0.

    Written to ``out`` if that is given; it may be ``dy``.

    Notes
    -----
    The derivative at 0 is 0 here and 1 in the original. With 0 the output tells the
    derivative as well as the input does, so ``x`` may also be the output.
    """
    return get_array_module(x).multiply(dy, x > 0, out=out)


def leaky_relu(x: Array, slope: float = 0.01, out: Array | None = None) -> Array:
    """Leaky rectified linear unit: ``x`` where ``x >= 0``, else ``slope * x``.

    Written to ``out`` if that is given; it may be ``x``.
    """
    xp = get_array_module(x)
    # A choice per element would be slow: no processor can predict signs.
    return (xp.maximum if slope <= 1 else xp.minimum)(x, slope * x, out=out)


def leaky_relu_inv(y: Array, slope: float = 0.01) -> Array:
    """Inverse of `leaky_relu` for ``slope > 0``."""
    return leaky_relu(y, 1 / slope)


def leaky_relu_derivative(y: Array, slope: float = 0.01) -> Array:
    """Derivative of `leaky_relu`: 1 where ``y >= 0``, else ``slope``."""
    xp = get_array_module(y)
    return xp.multiply(y < 0, slope, dtype=y.dtype) + (y >= 0)


def leaky_relu_grad(
    dy: Array, y: Array, slope: float = 0.01, out: Array | None = None
) -> Array:
    """Gradient of `leaky_relu`: ``dy`` where ``y >= 0``, else ``slope * dy``.

    Written to ``out`` if that is given; it may be ``dy``.
    """
    derivative = leaky_relu_derivative(y, slope)
    return get_array_module(y).multiply(dy, derivative, out=out)


def _exp_of_fresh(x: Array) -> Array:
    """Exponential of an array that nobody else has, in its memory if that fits."""
    fits = getattr(x, "ndim", 0) > 0 and x.dtype.kind == "f"
    return get_array_module(x).exp(x, out=x if fits else None)


def _decay(x: Array) -> Array:
    """``exp(-|x|)``, which cannot overflow."""
    distance = get_array_module(x).abs(x)
    distance *= -1
    return _exp_of_fresh(distance)


def sigmoid(x: Array, low: float = 0.0, high: float = 1.0) -> Array:
    """Logistic function scaled to an open range.

    Parameters
    ----------
    x : array
    low, high : float
        Ends of the range.

    Returns
    -------
    array
        ``low + (high - low) / (1 + exp(-x))``.

    Notes
    -----
    Computed as ``exp(min(x, 0)) / (1 + exp(-|x|))``, which cannot overflow; values near
    0 keep their relative accuracy, so that with ``low = 0`` one can divide by the
    result.
    """
    result = _exp_of_fresh(get_array_module(x).minimum(x, 0))
    total = _decay(x)
    total += 1
    result /= total
    if high - low != 1:
        result *= high - low
    if low != 0:
        result += low
    return result


def sigmoid_log(x: Array, high: float = 1.0) -> Array:
    """Logarithm of `sigmoid` for ``low = 0``.

    ``log(high) + min(x, 0) - log(1 + exp(-|x|))``, exact also where the value itself
    rounds to 0.
    """
    xp, decay = get_array_module(x), _decay(x)
    result = xp.minimum(x, 0) + math.log(high)
    result -= xp.log1p(decay)
    return result


def sigmoid_inv(y: Array, low: float = 0.0, high: float = 1.0) -> Array:
    """Inverse of `sigmoid`: ``log(y - low) - log(high - y)``.

    Raises
    ------
    ValueError
        If an element of a NumPy array lies outside the open range (low, high). CuPy
        arrays are not checked, since that would wait for the device; there the
        result is infinite or not a number.
    """
    xp = get_array_module(y)
    _expect_between("sigmoid_inv", y, low, high)
    return xp.log(y - low) - xp.log(high - y)


def sigmoid_grad(dy: Array, y: Array, low: float = 0.0, high: float = 1.0) -> Array:
    """Gradient of `sigmoid` from its output.

    ``dy * (y - low) * (high - y) / (high - low)``: exact also where the function
    saturates, unlike a formula that first inverts ``y``.
    """
    return dy * ((y - low) * (high - y) / (high - low))


def galu(x: Array, out: Array | None = None) -> Array:
    """Gated linear unit: ``x1 * sigmoid(x2)`` of the two halves of the channels.

    Parameters
    ----------
    x : array of shape (N, 2 C, *spatial)
    out : array, optional
        Where to write the result; no part of ``x``.

    Returns
    -------
    array of shape (N, C, *spatial)

    Raises
    ------
    ValueError
        If the number of channels is odd.
    """
    linear, gate = _galu_parts(x)
    for part in parts_of_images(linear):
        share = sigmoid(gate[part])
        if out is None:
            out = empty_state(linear, share.dtype)
        get_array_module(x).multiply(share, linear[part], out=out[part])
    return out


def galu_grad(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Gradient of `galu`: ``(s dy, s (1 - s) x1 dy)`` with ``s = sigmoid(x2)``.

    Written to ``out`` if that is given, which is no part of ``x`` or ``dy``.
    """
    xp, (linear, gate) = get_array_module(x), _galu_parts(x)
    if dy.shape != linear.shape:
        dy = xp.broadcast_to(dy, linear.shape)
    for part in parts_of_images(linear):
        share = sigmoid(gate[part])
        if out is None:
            out = empty_state(x, xp.result_type(share.dtype, dy.dtype))
        dlinear, dgate = _galu_parts(out)
        xp.multiply(share, dy[part], out=dlinear[part])
        xp.multiply(dlinear[part], linear[part], out=dgate[part])
        dgate[part] *= xp.subtract(1, share, out=share)
    return out


def galu_jacobian(dx: Array, x: Array) -> tuple[Array, Array]:
    """Apply the Jacobian of `galu` to the tangent ``dx``.

    Returns
    -------
    dy, y : arrays of shape (N, C, *spatial)
        ``s dx1 + s (1 - s) x1 dx2`` with ``s = sigmoid(x2)``, and ``galu(x)``.
    """
    linear, gate = _galu_parts(x)
    dlinear, dgate = _galu_parts(dx)
    share = sigmoid(gate)
    return share * dlinear + sigmoid_grad(linear * dgate, share), linear * share


def _galu_parts(x: Array) -> tuple[Array, Array]:
    expect_array("galu", x)
    channels = n_channels(x)
    expect(channels % 2 == 0, "galu", "an even number of channels", f"{channels}")
    return split_channels(x, half_channels(channels))


def exp_clamp(x: Array, clamp: float = 2.0) -> Array:
    """Soft-clamped exponential: ``exp(0.636 clamp arctan(x))``.

    The result lies in the open range (``exp(-r)``, ``exp(r)``) with
    ``r = 0.636 clamp pi / 2``, which is 0.999 clamp.
    """
    return get_array_module(x).exp(exp_clamp_log(x, clamp))


def exp_clamp_log(x: Array, clamp: float = 2.0) -> Array:
    """Logarithm of `exp_clamp`: ``0.636 clamp arctan(x)``."""
    result = get_array_module(x).arctan(x)
    result *= CLAMP_FACTOR * clamp
    return result


def exp_clamp_log_derivative(x: Array, clamp: float = 2.0) -> Array:
    """Derivative of `exp_clamp_log`: ``0.636 clamp / (1 + x^2)``."""
    # A square that overflows gives 0, which is right.
    with np.errstate(over="ignore"):
        result = x * x
    result += 1
    return get_array_module(x).divide(CLAMP_FACTOR * clamp, result, out=result)


def exp_clamp_inv(y: Array, clamp: float = 2.0) -> Array:
    """Inverse of `exp_clamp`: ``tan(log(y) / (0.636 clamp))``.

    Raises
    ------
    ValueError
        If an element of a NumPy array lies outside the range of `exp_clamp`. CuPy
        arrays are not checked, since that would wait for the device; there the
        result is then meaningless.
    """
    xp = get_array_module(y)
    limit = CLAMP_FACTOR * clamp * math.pi / 2
    _expect_between("exp_clamp_inv", y, math.exp(-limit), math.exp(limit))
    return xp.tan(xp.log(y) / (CLAMP_FACTOR * clamp))


def exp_clamp_grad(dy: Array, y: Array, clamp: float = 2.0) -> Array:
    """Gradient of `exp_clamp` from its output.

    ``dy 0.636 clamp y / (1 + x^2)``, where ``1 / (1 + x^2)`` is the squared cosine of
    ``arctan(x) = log(y) / (0.636 clamp)``.
    """
    xp = get_array_module(y)
    factor = CLAMP_FACTOR * clamp
    return dy * (factor * y * xp.cos(xp.log(y) / factor) ** 2)


def tanh_inv(y: Array) -> Array:
    """Inverse of the hyperbolic tangent.

    Raises
    ------
    ValueError
        If an element of a NumPy array lies outside (-1, 1); CuPy arrays are not
        checked, see `sigmoid_inv`.
    """
    _expect_between("tanh_inv", y, -1.0, 1.0)
    return get_array_module(y).arctanh(y)


def tanh_grad(dy: Array, y: Array) -> Array:
    """Gradient of the hyperbolic tangent from its output: ``dy (1 - y^2)``."""
    return dy * ((1 - y) * (1 + y))


def softplus(x: Array) -> Array:
    """Smooth, positive ramp ``log(1 + exp(x))``, without overflow."""
    xp = get_array_module(x)
    return xp.maximum(x, 0) + xp.log1p(_decay(x))


def softplus_inv(y: Array) -> Array:
    """Inverse of `softplus`: ``y + log(1 - exp(-y))``.

    Raises
    ------
    ValueError
        If an element of a NumPy array is not positive; CuPy arrays are not checked,
        see `sigmoid_inv`.
    """
    xp = get_array_module(y)
    _expect_between("softplus_inv", y, 0.0, math.inf)
    return y + xp.log(-xp.expm1(-y))


def softplus_grad(dy: Array, y: Array) -> Array:
    """Gradient of `softplus` from its output: ``dy (1 - exp(-y))``."""
    return -dy * get_array_module(y).expm1(-y)


def softplus_log(x: Array, y: Array) -> Array:
    """Logarithm of `softplus` from its input and output.

    Far below zero it is the input, also where the value itself rounds to 0.
    """
    xp = get_array_module(x)
    return xp.where(x < -FAR, x, xp.log(_not_zero(y)))


def softplus_log_derivative(y: Array) -> Array:
    """Derivative of ``log(softplus(x))`` from the output: ``(1 - exp(-y)) / y``.

    1 where the output has rounded to 0.
    """
    negative = -_not_zero(y)
    return get_array_module(y).expm1(negative) / negative


def _not_zero(y: Array) -> Array:
    """The array with small numbers in place of smaller ones."""
    return get_array_module(y).maximum(y, np.finfo(y.dtype).tiny)
