"""The array module of phantom arrays: the functions of NumPy that kernels call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from .._types import Shape
from ..kernels.workspace import Store
from .phantom_array import Phantom
from .phantom_functions import FUNCTIONS, as_strided
from .phantom_layout import contiguous
from .phantom_memory import Buffer, Memory
from .phantom_storage import allocate
from .phantom_ufunc import apply, reduce

_SHARED = ("e", "finfo", "iinfo", "inf", "nan", "newaxis", "pi", "result_type")


class PhantomModule:
    """What ``get_array_module`` returns for phantom arrays, in place of ``numpy``.

    Arrays of different modules are counted apart. It is the `kernels.memory.Planner` of
    the calls on its arrays.

    Attributes
    ----------
    memory : Memory
        The bytes of its arrays.
    truth : bool or None
        What decisions by values find. ``None``: such a decision is an error.
    stands_for : module
        NumPy; see `backend.on_host`.
    """

    stands_for = np

    def __init__(self):
        self.__name__ = "phantom"
        self.memory = Memory(self)
        self.truth: bool | None = None
        self.lib = SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=as_strided))

    def __getattr__(self, name: str):
        """Find a function on its first use; it is stored for the next one."""
        of_numpy = getattr(np, name, None)
        if name in FUNCTIONS:
            found = FUNCTIONS[name]
        elif isinstance(of_numpy, np.ufunc):
            found = PhantomUfunc(of_numpy)
        elif isinstance(of_numpy, type) or name in _SHARED:
            found = of_numpy
        else:
            raise AttributeError(
                f"phantom arrays, on which memory is planned, have no function {name!r}"
            )
        setattr(self, name, found)
        return found

    def empty(self, shape: int | Shape, dtype: object = float) -> Phantom:
        """Return a new array; whatever it is filled with, only its size counts."""
        shape = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
        return allocate(Phantom, self.memory, contiguous(shape, np.dtype(dtype)))

    zeros = ones = empty

    def full(
        self, shape: int | Shape, fill_value: object, dtype: object = None
    ) -> Phantom:
        """Return a new array of one value."""
        return self.empty(shape, np.result_type(fill_value) if dtype is None else dtype)

    def eye(self, n: int, m: int | None = None, k: int = 0, dtype: object = float):
        """Return a new matrix with ones on a diagonal."""
        return self.empty((n, n if m is None else m), dtype)

    def tri(self, n: int, m: int | None = None, k: int = 0, dtype: object = float):
        """Return a new matrix with ones on and below a diagonal."""
        return self.empty((n, n if m is None else m), dtype)

    def concurrently(self, thunks: Sequence[Callable[[], Any]]) -> list:
        """Run thunks in turn, and count them as if they ran at the same time.

        See `Memory.concurrently`.
        """
        return self.memory.concurrently(thunks)

    def representative(self, steps: Sequence, size: Callable | None = None) -> list:
        """The steps of a loop that decide on its peak: the first two, and the last.

        For loops whose steps do the same on parts of about one size, but for the last.
        The first makes what the others find, as sums and workspaces are. In place of
        the second stands the largest in the middle, if ``size`` tells it.
        """
        first, middle, last = steps[:1], steps[1:-1], steps[1:][-1:]
        if size is not None and middle:
            middle = [max(middle, key=size)]
        return [*first, *middle[:1], *last]

    def keeping(self, steps: Sequence, function: Callable, size: Callable) -> Results:
        """Run representative steps of a loop that keeps the result of each step."""
        chosen, results = self.representative(steps, size), Results()
        for i, step in enumerate(chosen):
            before = self.memory.current_but_stores
            results.append(function(step))
            if i == 1 and len(steps) > len(chosen):
                kept = max(0, self.memory.current_but_stores - before)
                n_bytes = kept * (len(steps) - len(chosen))
                results.of_others = Buffer(self.memory, n_bytes)
        return results

    @property
    def store(self) -> Store:
        """What kernels keep from call to call, for the thread that runs now.

        It is no part of what they keep for NumPy arrays, and ends with this module.
        """
        return self.memory.store


class Results(list):
    """Results of some steps of a loop, and memory for those of the others."""

    of_others: Buffer | None = None


class PhantomUfunc:
    """A ufunc of NumPy for phantom arrays."""

    def __init__(self, ufunc: np.ufunc):
        self._ufunc = ufunc
        self.__name__ = ufunc.__name__

    def __call__(self, *inputs, out=None, dtype=None):
        out = out[0] if isinstance(out, tuple) else out
        return apply(self._ufunc, inputs, out, dtype)

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        """Reduce an array along some axes."""
        return reduce(self._ufunc, array, axis, dtype, out, keepdims)
