"""``Phantom``: an array with shape, type and strides, but without memory."""

from __future__ import annotations

import numpy as np

from .._types import Shape
from ..errors import message
from .phantom_layout import (
    Carrier,
    contiguous,
    expect_broadcast,
    full_shape,
    like_operands,
    reshaped,
)
from .phantom_operators import Operators
from .phantom_storage import Storage
from .phantom_ufunc import apply, reduce

_ARRAYS = (Storage, np.ndarray)
_INDICES = (int, slice, np.integer)


class Phantom(Operators):
    """Behaves like a NumPy array in all that its memory depends on.

    It is a view of another one, or a copy, just where a NumPy array would be, and what
    it would allocate is counted. Only its elements cannot be had.
    """

    __slots__ = ("__weakref__",)
    # For messages: "a float32 phantom array of shape (2, 3)".
    __module__ = "phantom"

    @property
    def _array_module(self):
        """What `get_array_module` returns."""
        return self._buffer.memory.array_module

    # --- what NumPy, and functions that call it, may ask ----------------------------

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        target = None if out is None else out[0]
        if method == "__call__" and ufunc is np.matmul:
            return self._array_module.matmul(*inputs, out=target)
        if method == "__call__":
            return apply(ufunc, inputs, target, **options)
        if method == "reduce":
            return reduce(ufunc, *inputs, out=target, **options)
        return NotImplemented

    def __array_function__(self, function, types, args, kwargs):
        return getattr(self._array_module, function.__name__)(*args, **kwargs)

    def __array__(self, dtype=None, copy=None):
        raise _no_values("conversion to a NumPy array, as by operators of SciPy")

    def __bool__(self):
        truth = self._array_module.truth
        if truth is None:
            raise _no_values("a decision by the value of an array")
        return truth

    def __float__(self):
        raise _no_values("the value of an array")

    __int__ = __index__ = __complex__ = item = tolist = __float__

    def __getattr__(self, name):
        raise AttributeError(
            f"phantom arrays, on which memory is planned, have no attribute {name!r}"
        )

    def __repr__(self):
        return f"<phantom {self.dtype} array of shape {self.shape}>"

    # --- parts ----------------------------------------------------------------------

    def __len__(self):
        return len(self._carrier)

    def __iter__(self):
        return (self[i] for i in range(len(self._carrier)))

    def __getitem__(self, index):
        return self._view(self._part(index))

    def __setitem__(self, index, value):
        self._view(self._part(index))._assign(value)

    def _part(self, index) -> Carrier:
        index = index if isinstance(index, tuple) else (index,)
        for entry in index:
            simple = entry is None or entry is ... or isinstance(entry, _INDICES)
            if not simple or isinstance(entry, bool):
                raise _no_values(f"an index of type {type(entry).__name__}")
        # With an ellipsis the result is an array always: numbers would be read.
        whole = index if ... in index else (*index, ...)
        return self._carrier[whole]

    def _assign(self, value) -> None:
        """Count what copying a value to all of this array takes."""
        if not isinstance(value, _ARRAYS):
            return
        if value.shape != self.shape:
            expect_broadcast(value.shape, self.shape)
        if self._overlaps(value, max_work=0):
            self._memory.add_for_a_moment(value.nbytes)

    def fill(self, value) -> None:
        """Do nothing: it takes no memory."""

    # --- other views ----------------------------------------------------------------

    @property
    def T(self):
        return self._view(self._carrier.T)

    @property
    def mT(self):
        return self._view(self._carrier.mT)

    @property
    def real(self):
        is_complex = self.dtype.kind == "c"
        return self._view(self._carrier.real) if is_complex else self

    def transpose(self, *axes):
        return self._view(self._carrier.transpose(*axes))

    def swapaxes(self, first, second):
        return self._view(self._carrier.swapaxes(first, second))

    def squeeze(self, axis=None):
        return self._view(self._carrier.squeeze(axis))

    def view(self, dtype=None):
        carrier = self._carrier
        return self._view(carrier.view() if dtype is None else carrier.view(dtype))

    def reshape(self, *shape):
        if len(shape) == 1 and not isinstance(shape[0], int):
            shape = tuple(shape[0])
        shape = full_shape(shape, self.size)
        carrier = reshaped(self._carrier, shape)
        if carrier is not None:
            return self._view(carrier)
        copy = self.copy()
        return copy._view(contiguous(shape, self.dtype))

    def ravel(self):
        return self.reshape(-1)

    # --- copies ---------------------------------------------------------------------

    def copy(self):
        return self._new(contiguous(self.shape, self.dtype))

    flatten = copy

    __copy__ = copy

    def astype(self, dtype, copy=True):
        if not copy and np.dtype(dtype) == self.dtype:
            return self
        return self._like(dtype)

    def conj(self):
        is_complex = self.dtype.kind == "c"
        return apply(np.conjugate, (self,)) if is_complex else self

    conjugate = conj

    def _like(self, dtype=None, shape: Shape | None = None):
        """A new array laid out like this one; of another shape, in C order."""
        dtype = self.dtype if dtype is None else np.dtype(dtype)
        if shape is not None:
            return self._new(contiguous(tuple(shape), dtype))
        layout = ((self.shape, self.strides),)
        return self._new(like_operands(self.shape, dtype, layout))

    # --- reductions -----------------------------------------------------------------

    def sum(self, axis=None, dtype=None, out=None, keepdims=False):
        return reduce(np.add, self, axis, dtype, out, keepdims)

    def prod(self, axis=None, dtype=None, out=None, keepdims=False):
        return reduce(np.multiply, self, axis, dtype, out, keepdims)

    def max(self, axis=None, out=None, keepdims=False):
        return reduce(np.maximum, self, axis, None, out, keepdims)

    def min(self, axis=None, out=None, keepdims=False):
        return reduce(np.minimum, self, axis, None, out, keepdims)

    def any(self, axis=None, out=None, keepdims=False):
        return reduce(np.logical_or, self, axis, None, out, keepdims)

    def all(self, axis=None, out=None, keepdims=False):
        return reduce(np.logical_and, self, axis, None, out, keepdims)

    def mean(self, axis=None, dtype=None, out=None, keepdims=False):
        if dtype is None and self.dtype.kind not in "fc":
            dtype = np.dtype("float64")
        return self.sum(axis, dtype, out, keepdims)


def _no_values(what: str) -> TypeError:
    hint = (
        "Arrays have no values while memory is planned; measure this network with "
        "tracemalloc instead."
    )
    wanted = "a network whose work does not depend on values"
    return TypeError(message("plan_memory", wanted, what, hint))
