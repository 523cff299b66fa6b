"""Formulas of affine couplings, on NumPy and on CuPy.

With the two halves ``(raw, shift)`` of ``p`` and the scale ``s = activation(raw)``::

    b2 = s b + shift,  ld = sum log s

A result may take the memory of what is read and is of the same kind: ``b`` that of
``b2``, ``db`` that of ``db2``, ``dp`` that of ``p``, and the reverse. On NumPy the
formulas work in parts for which the cache has room, or are compiled; on CuPy each is
one kernel, and one more for ``ld``, if the activation knows its scale in CUDA.
"""

from __future__ import annotations

from collections.abc import Callable

from .._types import Array
from ..backend import get_array_module, has_cuda_kernels
from .activation_base import Activation
from .channels import n_channels, per_sample, split_channels, sum_per_sample
from .compiled import coupling as compiled_coupling
from .coupling_cuda import Formula, sum_log_scale
from .parts import parts_of_images

_FORWARD = Formula("affine_forward", "b raw shift", "b2", "b2 = s.value * b + shift;")
_INVERSE = Formula("affine_inverse", "b2 raw shift", "b", "b = (b2 - shift) / s.value;")
_BACKWARD = Formula(
    "affine_backward",
    "db2 dld b2 raw shift",
    "db draw dshift b",
    """
        db = s.value * db2;
        draw = s.log_derivative * (db2 * (b2 - shift) + dld);
        dshift = db2;
        b = (b2 - shift) / s.value;
    """,
)
_BACKWARD_INV = Formula(
    "affine_backward_inv",
    "db dld b raw shift",
    "db2 draw dshift b2",
    """
        db2 = db / s.value;
        draw = -s.log_derivative * (db * b + dld);
        dshift = -db / s.value;
        b2 = s.value * b + shift;
    """,
)


def halves(p: Array) -> tuple[Array, Array]:
    """Return views of the raw scale and the shift in ``p``."""
    return split_channels(p, n_channels(p) // 2)


def affine_forward(activation: Activation, b: Array, p: Array, b2: Array) -> Array:
    """Write ``b2 = s b + shift``; return ``ld``."""
    return _transform(_FORWARD, _forward, False, activation, b, p, b2)


def affine_inverse(activation: Activation, b2: Array, p: Array, b: Array) -> Array:
    """Write ``b = (b2 - shift) / s``; return the log-determinant of this map."""
    return _transform(_INVERSE, _inverse, True, activation, b2, p, b)


def affine_backward(
    activation: Activation,
    db2: Array,
    dld: Array,
    b2: Array,
    p: Array,
    db: Array,
    dp: Array,
    b: Array,
) -> None:
    """Write the gradient of `affine_forward` to ``db`` and ``dp``; also write ``b``.

    ``db = s db2``, ``dshift = db2``, ``draw = (log s)' (db b + dld)``.
    """
    _pull(_BACKWARD, _backward, False, activation, (db2, dld, b2, p), (db, dp, b))


def affine_backward_inv(
    activation: Activation,
    db: Array,
    dld: Array,
    b: Array,
    p: Array,
    db2: Array,
    dp: Array,
    b2: Array,
) -> None:
    """Write the gradient of `affine_inverse` to ``db2`` and ``dp``; also write ``b2``.

    ``db2 = db / s``, ``dshift = -db2``, ``draw = -(log s)' (db b + dld)``.
    """
    read, written = (db, dld, b, p), (db2, dp, b2)
    _pull(_BACKWARD_INV, _backward_inv, True, activation, read, written)


def _transform(
    kernel: Formula,
    array_code: Callable,
    inverse: bool,
    activation: Activation,
    x,
    p,
    y,
) -> Array:
    """Write ``y`` and return the log-determinants of the map."""
    compiled = compiled_coupling.functions_for(activation, x, p, y)
    if compiled is not None:
        return compiled_coupling.transform(compiled, activation, inverse, x, p, y)
    (raw, shift), sign = halves(p), -1.0 if inverse else 1.0
    if _has_kernel(activation, x):
        kernel((x, raw, shift), (y,), activation)
        return sum_log_scale(activation, raw, sign)
    total = per_sample(x, 0.0)
    for part in parts_of_images(x):
        in_these_samples = total[part[0]]
        in_these_samples += array_code(
            *activation.scale(raw[part]), shift[part], x[part], y[part]
        )
    return sign * total


def _forward(s, log_s, shift, b, b2):
    xp = get_array_module(b)
    xp.multiply(b, s, out=b2)
    xp.add(b2, shift, out=b2)
    return sum_per_sample(log_s)


def _inverse(s, log_s, shift, b2, b):
    xp = get_array_module(b2)
    xp.subtract(b2, shift, out=b)
    xp.divide(b, s, out=b)
    return sum_per_sample(log_s)


def _pull(
    kernel: Formula,
    array_code: Callable,
    inverse: bool,
    activation: Activation,
    read,
    written,
) -> None:
    (dy, dld, y, p), (dx, dp, x) = read, written
    compiled = compiled_coupling.functions_for(activation, y, p, x, dy, dp, dx)
    if compiled is not None and dld.dtype == y.dtype:
        compiled_coupling.pull(compiled, activation, inverse, read, written)
        return
    dld = dld.reshape((-1,) + (1,) * (y.ndim - 1))
    (raw, shift), (draw, dshift) = halves(p), halves(dp)
    if _has_kernel(activation, y):
        kernel((dy, dld, y, raw, shift), (dx, draw, dshift, x), activation)
        return
    for part in parts_of_images(y):
        array_code(
            *_scale_and_derivative(activation, raw[part]),
            *(dy[part], dld[part[0]], y[part], shift[part]),
            *(dx[part], draw[part], dshift[part], x[part]),
        )


def _scale_and_derivative(activation, raw):
    """Return ``s`` and the derivative of ``log s``."""
    s = activation.forward(raw)
    return s, activation.log_derivative(raw, s)


# The order of these steps matters: a result may be in the place of an operand.


def _backward(s, log_derivative, db2, dld, b2, shift, db, draw, dshift, b):
    xp = get_array_module(b2)
    xp.subtract(b2, shift, out=b)  # s b
    xp.multiply(db2, b, out=draw)
    draw += dld
    draw *= log_derivative
    dshift[...] = db2
    xp.divide(b, s, out=b)
    xp.multiply(db2, s, out=db)


def _backward_inv(s, log_derivative, db, dld, b, shift, db2, draw, dshift, b2):
    xp = get_array_module(b)
    xp.multiply(db, b, out=draw)
    draw += dld
    draw *= log_derivative
    xp.negative(draw, out=draw)
    xp.multiply(b, s, out=b2)
    xp.add(b2, shift, out=b2)
    xp.divide(db, s, out=db2)
    xp.negative(db2, out=dshift)


def _has_kernel(activation: Activation, x: Array) -> bool:
    return activation.cuda_scale is not None and has_cuda_kernels(get_array_module(x))
