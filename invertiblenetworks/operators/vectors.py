"""Between the arrays of a layer and the vectors of a linear operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._types import Array
from ..backend import get_array_module, linear_operator_class
from ..base import zeros_like
from ..base.linearize import Collector, make_tangent
from ..errors import describe, expect, message
from ..parameter import Parameter, par2vec, vec2par
from .maps import Maps

HELPERS = (
    "x",
    "y",
    "logdet",
    "split_domain",
    "join_domain",
    "split_range",
    "join_range",
)


class Space:
    """Vectors in which arrays of given shapes lie end to end, each in C order."""

    def __init__(self, name: str, examples: Sequence[Array]):
        self.name = name
        self.shapes = [array.shape for array in examples]
        self.size = sum(array.size for array in examples)
        self.dtype = examples[0].dtype
        self.xp = get_array_module(*examples)

    def split(self, v: Array) -> list[Array]:
        """Cut a vector into its arrays: views of it if its type is the right one."""
        where = f"Jacobian.split_{self.name}"
        if get_array_module(v) is not self.xp or v.dtype.kind == "c":
            wanted = f"a real {self.xp.__name__} vector"
            raise TypeError(message(where, wanted, describe(v)))
        expect(v.size == self.size, where, f"a vector of {self.size}", v)
        return vec2par(v.reshape(-1).astype(self.dtype, copy=False), self.shapes)

    def join(self, arrays: Sequence[Array]) -> Array:
        """Lay arrays end to end in a new vector."""
        shapes = [array.shape for array in arrays]
        where, wanted = f"Jacobian.join_{self.name}", f"arrays of shapes {self.shapes}"
        expect(shapes == self.shapes, where, wanted, f"{shapes}")
        return par2vec(arrays)[0].astype(self.dtype, copy=False)


class Linearization:
    """Derivative and adjoint on vectors.

    Parameters
    ----------
    params : list of Parameter
        Parameters of the layer.
    x : array or tuple of arrays
        The point.
    maps : Maps
        The layer there.
    io_mode : str
        See ``Jacobian``.
    """

    def __init__(self, params: list[Parameter], x, maps: Maps, io_mode: str):
        self.x, self.y, self._maps = x, maps.y, maps
        self.logdet = None if maps.ld is None else maps.ld.mean()
        self._params = params
        self._has_input = io_mode != "params"
        self._has_params = io_mode != "input"
        self._has_logdet = io_mode == "full"
        inputs = _parts(x) if self._has_input else []
        outputs = _parts(self.y)
        if self._has_logdet:
            outputs.append(_one_number(outputs[0], 0.0))
        values = [p.data for p in params] if self._has_params else []
        self._domain = Space("domain", inputs + values)
        self._range = Space("range", outputs)

    def split_domain(self, v: Array) -> tuple:
        """Return ``(dx, dtheta)``; ``None`` for what the mode leaves out."""
        arrays = self._domain.split(v)
        n_inputs = len(_parts(self.x)) if self._has_input else 0
        dx = _in_form_of(self.x, arrays[:n_inputs]) if self._has_input else None
        return dx, arrays[n_inputs:] if self._has_params else None

    def join_domain(self, dx=None, dtheta: Sequence[Array] | None = None) -> Array:
        """Return the vector of ``dx`` and ``dtheta``; ``None`` stands for zeros."""
        where = "Jacobian.join_domain"
        expect(self._has_input or dx is None, where, "no dx in this io_mode", dx)
        arrays = []
        if self._has_input:
            arrays += _parts(zeros_like(self.x) if dx is None else dx)
        if dtheta is not None:
            arrays += dtheta
        elif self._has_params:
            arrays += [zeros_like(p.data) for p in self._params]
        return self._domain.join(arrays)

    def split_range(self, w: Array) -> tuple:
        """Return ``(dy, dlogdet)``; ``dlogdet`` is ``None`` but in mode "full"."""
        arrays = self._range.split(w)
        dlogdet = arrays.pop().reshape(()) if self._has_logdet else None
        return _in_form_of(self.y, arrays), dlogdet

    def join_range(self, dy, dlogdet: float | Array | None = None) -> Array:
        """Return the vector of ``dy`` and ``dlogdet``, zero if it is ``None``."""
        arrays = _parts(dy)
        if self._has_logdet or dlogdet is not None:
            arrays.append(_one_number(arrays[0], 0.0 if dlogdet is None else dlogdet))
        return self._range.join(arrays)

    def matvec(self, v: Array) -> Array:
        """Return the derivative along ``v``."""
        dx, dtheta = self.split_domain(v)
        tangent = make_tangent(self._params, dtheta, "Jacobian.matvec")
        dy, dld = self._maps.push(zeros_like(self.x) if dx is None else dx, tangent)
        return self.join_range(dy, dld.mean() if self._has_logdet else None)

    def rmatvec(self, w: Array) -> Array:
        """Return the adjoint derivative of ``w``."""
        collector = Collector()
        dx = self._maps.pull(*self.split_range(w), collector)
        dtheta = collector.aligned(self._params) if self._has_params else None
        return self.join_domain(dx if self._has_input else None, dtheta)

    def as_operator(self) -> Any:
        """Return the ``LinearOperator`` of the array library, with our helpers."""
        operator = linear_operator_class(self._domain.xp)(
            (self._range.size, self._domain.size),
            matvec=self.matvec,
            rmatvec=self.rmatvec,
            dtype=self._domain.dtype,
        )
        for name in HELPERS:
            setattr(operator, name, getattr(self, name))
        return operator


def _parts(x) -> list[Array]:
    return list(x) if isinstance(x, tuple) else [x]


def _in_form_of(x, arrays: list[Array]):
    """An array, or a tuple of arrays, as ``x`` is."""
    return tuple(arrays) if isinstance(x, tuple) else arrays[0]


def _one_number(example: Array, value: float | Array) -> Array:
    """Put a number in an array (1,) like ``example``, without waiting for a GPU."""
    result = get_array_module(example).empty(1, example.dtype)
    result[...] = value
    return result
