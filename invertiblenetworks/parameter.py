"""Parameters: who owns the trained numbers, and the algebra on lists of them."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TypeAlias

import numpy as np

from ._types import Array, Shape
from .backend import cupy_module, get_array_module, is_array, is_gpu, to_cpu, to_gpu
from .errors import describe, expect, message
from .kernels.states import cut_vector

__all__ = ["Parameter", "axpy", "dot", "norm", "par2vec", "scale", "vec2par"]


class Parameter:
    """An array that is trained, and its gradient.

    Parameters
    ----------
    data : array, optional
        The values. ``None`` for a parameter that a layer will set from the first
        batch it sees; then ``shape`` and ``dtype`` must be given.
    shape : tuple of int, optional
        Shape of ``data`` while there is none.
    dtype : dtype, optional
        Type of ``data`` while there is none.
    trainable : bool, default True
        A frozen parameter ignores gradients, so no optimiser moves it.

    Attributes
    ----------
    data : array or None
        The values.
    grad : array or None
        Sum of the gradients since the last ``clear_grad``; ``None`` means none yet.
    trainable : bool
        See above.

    Examples
    --------
    >>> import numpy as np
    >>> p = Parameter(np.ones(2))
    >>> p.accumulate(np.array([1.0, 2.0]))
    >>> p.accumulate(np.array([1.0, 2.0]))
    >>> p.grad
    array([2., 4.])
    """

    # "__weakref__", since optimisers keep their moments by parameter, weakly.
    __slots__ = (
        "__weakref__",
        "_dtype",
        "_on_gpu",
        "_shape",
        "data",
        "grad",
        "trainable",
    )

    def __init__(
        self,
        data: Array | None = None,
        *,
        shape: Shape | None = None,
        dtype: object = None,
        trainable: bool = True,
    ):
        if data is None and (shape is None or dtype is None):
            raise ValueError(
                message("Parameter", "data, or shape and dtype", "none of them")
            )
        self.data = data
        self.grad: Array | None = None
        self.trainable = trainable
        self._shape = tuple(shape) if data is None else None
        self._dtype = np.dtype(dtype) if data is None else None
        self._on_gpu = False

    @property
    def shape(self) -> Shape:
        """Shape of the values, known before they are."""
        return self._shape if self.data is None else self.data.shape

    @property
    def dtype(self) -> np.dtype:
        """Type of the values, known before they are."""
        return self._dtype if self.data is None else self.data.dtype

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def array_module(self) -> ModuleType:
        """``numpy`` or ``cupy``: the library that owns, or will own, the values."""
        if self.data is not None:
            return get_array_module(self.data)
        return cupy_module() if self._on_gpu else np

    @property
    def initialized(self) -> bool:
        """True once the parameter has values."""
        return self.data is not None

    def accumulate(self, gradient: Array) -> None:
        """Add ``gradient`` to ``grad``, unless the parameter is frozen.

        Raises
        ------
        ValueError
            If it has not the shape of the parameter.
        """
        if getattr(gradient, "shape", None) != self.shape:
            where, wanted = "Parameter.accumulate", f"a gradient of shape {self.shape}"
            raise ValueError(message(where, wanted, describe(gradient)))
        if self.trainable:
            self.grad = gradient if self.grad is None else self.grad + gradient

    def clear_grad(self) -> None:
        """Forget the gradient."""
        self.grad = None

    def set(self, values: Array) -> None:
        """Copy ``values`` into the parameter; shape, type and device must fit."""
        check_like(values, self, "Parameter.set", "values")
        if self.data is None:
            self.data = values.copy()
        else:
            self.data[...] = values

    def convert(self, function: Callable[[Array], Array]) -> None:
        """Apply ``function`` (a cast or a move) to values and gradient."""
        if self.data is None:
            example = function(self.array_module.zeros(1, self._dtype))
            self._dtype, self._on_gpu = example.dtype, is_gpu(example)
        else:
            self.data = function(self.data)
        if self.grad is not None:
            self.grad = function(self.grad)

    # Arithmetic makes new parameters, of values only: there is no gradient of a sum of
    # parameters to keep.

    def __add__(self, other: Parameter) -> Parameter:
        return self._combined(other, "+", lambda a, b: a + b)

    def __sub__(self, other: Parameter) -> Parameter:
        return self._combined(other, "-", lambda a, b: a - b)

    def __mul__(self, factor: float) -> Parameter:
        return self._scaled(factor, "*", lambda a, b: a * b)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Parameter:
        return self._scaled(divisor, "/", lambda a, b: a / b)

    def __neg__(self) -> Parameter:
        return self * -1.0

    def _combined(self, other, sign, function) -> Parameter:
        if not isinstance(other, Parameter):
            return NotImplemented
        where = f"Parameter {sign} Parameter"
        (a,), (b,) = _aligned([self], [other], where)
        return Parameter(function(a, b))

    def _scaled(self, number, sign, function) -> Parameter:
        if not isinstance(number, numbers.Real):
            return NotImplemented
        (a,) = _arrays([self], f"Parameter {sign} number")
        return Parameter(function(a, float(number)))

    def __repr__(self) -> str:
        state = "" if self.initialized else ", no values yet"
        return f"Parameter(shape={self.shape}, dtype={self.dtype}{state})"


AddGrad: TypeAlias = Callable[[Parameter, Array], None]
"""How a layer writes the cotangent of one of its parameters."""

Tangent: TypeAlias = Callable[[Parameter], Array]
"""How a layer reads the tangent of one of its parameters (zeros if there is none)."""


def check_like(array: object, parameter: Parameter, where: str, name: str) -> None:
    """Raise unless ``array`` has the shape, type and library of ``parameter``."""
    if not is_array(array):
        raise TypeError(message(where, f"{name} to be an array", describe(array)))
    expect(
        array.shape == parameter.shape,
        where,
        f"{name} of shape {parameter.shape}",
        array,
    )
    wanted = f"{parameter.dtype} {parameter.array_module.__name__}"
    if (
        array.dtype != parameter.dtype
        or get_array_module(array) is not parameter.array_module
    ):
        raise TypeError(
            message(where, f"{name} to be a {wanted} array", describe(array))
        )


def check_list(
    arrays: Sequence[Array], parameters: Sequence[Parameter], where: str, name: str
) -> None:
    """Raise unless ``arrays`` is a list that fits ``parameters`` one by one."""
    if not isinstance(arrays, list | tuple):
        raise TypeError(message(where, f"{name} to be a list", describe(arrays)))
    expect(
        len(arrays) == len(parameters),
        where,
        f"{name} to hold {len(parameters)} arrays, as get_params() does",
        f"{len(arrays)}",
    )
    for i, (array, parameter) in enumerate(zip(arrays, parameters, strict=True)):
        check_like(array, parameter, where, f"{name}[{i}]")


def move_to_gpu(parameter: Parameter) -> None:
    """Move values and gradient to the GPU."""
    parameter.convert(to_gpu)


def move_to_cpu(parameter: Parameter) -> None:
    """Move values and gradient to the CPU."""
    parameter.convert(to_cpu)


def _arrays(items: Sequence[Parameter | Array], where: str) -> list[Array]:
    arrays = [item.data if isinstance(item, Parameter) else item for item in items]
    hint = "Run a batch through the network first, or leave the entry out."
    for i, array in enumerate(arrays):
        found = f"none in entry {i}"
        expect(array is not None, where, "values in every entry", found, hint)
    return arrays


def _aligned(
    a: Sequence[Parameter | Array], b: Sequence[Parameter | Array], where: str
) -> tuple[list[Array], list[Array]]:
    a, b = _arrays(a, where), _arrays(b, where)
    shapes_a, shapes_b = [v.shape for v in a], [v.shape for v in b]
    wanted = f"two lists of the same shapes, the first of {shapes_a}"
    expect(shapes_a == shapes_b, where, wanted, f"{shapes_b}")
    return a, b


def _times(alpha: float | Array, array: Array) -> Array:
    """Multiply and keep the type: a NumPy float64 would make float32 arrays float64."""
    return (alpha * array).astype(array.dtype, copy=False)


def par2vec(params: Sequence[Parameter | Array]) -> tuple[Array, list[Shape]]:
    """Lay a list of parameters, or of arrays, end to end in one vector.

    Parameters
    ----------
    params : sequence of Parameter or array
        For instance ``net.get_params()``, ``net.get_grads()`` or a ``dtheta``.

    Returns
    -------
    vector : array, shape (total size,)
        A copy of the values, in C order.
    shapes : list of tuple of int
        What ``vec2par`` needs to undo it.

    Raises
    ------
    ValueError
        If the list is empty or an entry has no values.

    Examples
    --------
    >>> vector, shapes = par2vec([np.ones((2, 2)), np.zeros(1)])
    >>> vector, shapes
    (array([1., 1., 1., 1., 0.]), [(2, 2), (1,)])
    >>> vec2par(vector, shapes)[0].shape
    (2, 2)
    """
    expect(len(params) > 0, "par2vec", "at least one array", "an empty list")
    arrays = _arrays(params, "par2vec")
    xp = get_array_module(*arrays)
    return xp.concatenate([a.reshape(-1) for a in arrays]), [a.shape for a in arrays]


def vec2par(vector: Array, shapes: Sequence[Shape]) -> list[Array]:
    """Cut a vector into arrays of the given shapes; undoes ``par2vec``.

    Returns views of ``vector`` where possible.

    Raises
    ------
    ValueError
        If the vector has not exactly as many entries as the shapes need.
    """
    return cut_vector(vector, shapes, "vec2par")


def dot(a: Sequence[Parameter | Array], b: Sequence[Parameter | Array]) -> Array:
    """Inner product of two lists of the same shapes, ``sum(a_i * b_i)``.

    >>> float(dot([np.array([1.0, 2.0])], [np.array([3.0, 4.0])]))
    11.0
    """
    a, b = _aligned(a, b, "dot")
    return sum((u * v).sum() for u, v in zip(a, b, strict=True))


def norm(a: Sequence[Parameter | Array]) -> Array:
    """Euclidean norm of a list, ``sqrt(dot(a, a))``."""
    return dot(a, a) ** 0.5


def axpy(
    alpha: float, x: Sequence[Parameter | Array], y: Sequence[Parameter | Array]
) -> list[Array]:
    """Return ``alpha * x + y`` for two lists of the same shapes, as new arrays."""
    x, y = _aligned(x, y, "axpy")
    return [_times(alpha, u) + v for u, v in zip(x, y, strict=True)]


def scale(alpha: float, x: Sequence[Parameter | Array]) -> list[Array]:
    """Return ``alpha * x`` entry by entry, as a list of new arrays."""
    return [_times(alpha, u) for u in _arrays(x, "scale")]
