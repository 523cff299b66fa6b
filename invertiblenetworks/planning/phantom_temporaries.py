"""Which temporary arrays of an expression NumPy uses again for the result.

In ``a * b + c`` nothing but the expression holds the product. On most systems NumPy
then adds in place, if the product is large enough to be worth the trouble. For the peak
of memory this decides between one array and two, so it is imitated here: temporaries
are told from variables, as NumPy does it, by the number of references.
"""

from __future__ import annotations

import functools
import sys

import numpy as np

SMALLEST = 256 * 1024
"""Bytes that a temporary must have to be used again."""


class _Probe:
    """Counts the references to itself as an operator method sees them."""

    def __neg__(self):
        return sys.getrefcount(self)


def _references_to_variable() -> int:
    probe = _Probe()
    return -probe


REFERENCES = -_Probe()
"""References to a temporary, seen from an operator method."""

COUNTS_TELL = _references_to_variable() > REFERENCES
# From Python 3.14 on the interpreter does not count all references of a function to
# its own variables.


@functools.cache
def numpy_reuses_temporaries() -> bool:
    """Try out whether NumPy does it on this system."""
    array = np.zeros(SMALLEST, np.uint8)
    addresses = []

    def temporary():
        result = array + array
        addresses.append(result.__array_interface__["data"][0])
        return result

    total = temporary() + array
    return total.__array_interface__["data"][0] in addresses


def is_reusable(references: int, array, other) -> bool:
    """Whether NumPy would write the result of an operator into an operand.

    Parameters
    ----------
    references : int
        To ``array``, as `sys.getrefcount` counts them in the operator method. This is
        the first parameter because arguments are references, too.
    array : Phantom
        Owns its memory, which is large enough.
    other : Phantom or number
        The other operand.
    """
    if references != REFERENCES or not numpy_reuses_temporaries():
        return False
    if not (COUNTS_TELL or _is_nowhere_else(array)):
        return False
    shape = getattr(other, "shape", ())
    return (shape == () or shape == array.shape) and _casts_safely(
        getattr(other, "dtype", type(other)), array.dtype
    )


def _is_nowhere_else(array) -> bool:
    """True if no variable of the function with the expression is the array."""
    expression = sys._getframe(3)
    return all(value is not array for value in expression.f_locals.values())


@functools.cache
def _casts_safely(source: np.dtype | type, target: np.dtype) -> bool:
    # Python numbers count as float64 or int64 here, unlike in promotion.
    return target.kind in "biufc" and np.can_cast(np.dtype(source), target, "safe")
