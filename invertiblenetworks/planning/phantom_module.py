"""The array module of phantom arrays: the functions of NumPy that kernels call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from .._types import Shape
from .phantom_array import Phantom
from .phantom_functions import FUNCTIONS, as_strided
from .phantom_layout import contiguous
from .phantom_memory import Memory
from .phantom_storage import allocate
from .phantom_ufunc import apply, reduce

_SHARED = ("e", "finfo", "iinfo", "inf", "nan", "newaxis", "pi", "result_type")


class PhantomModule:
    """What ``get_array_module`` returns for phantom arrays, in place of ``numpy``.

    Arrays of different modules are counted apart.

    Attributes
    ----------
    memory : Memory
        The bytes of its arrays.
    stands_for : module
        NumPy; see `backend.on_host`.
    """

    stands_for = np

    def __init__(self):
        self.__name__ = "phantom"
        self.memory = Memory(self)
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

    def concurrently(self, thunks: Sequence[Callable[[], Any]]) -> list:
        """Run thunks in turn, and count them as if they ran at the same time.

        See `Memory.concurrently`.
        """
        return self.memory.concurrently(thunks)

    @staticmethod
    def representative(steps: Sequence) -> list:
        """The steps of a loop that decide on its peak: the first two, and the last.

        For loops whose steps all do the same on parts of one size, but for the last.
        The first makes what the others find, as sums and workspaces are.
        """
        return [*steps[:2], *steps[2:][-1:]]

    # The kernels put here what they keep from call to call: not among the arrays of
    # NumPy, and not beyond the call that is planned.

    @property
    def scratch(self) -> dict:
        """Memory of the thread that runs now, by role."""
        return self.memory.kept.by_role

    @property
    def leased(self) -> list:
        """Memory of the thread that runs now, free for any use."""
        return self.memory.kept.free


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
