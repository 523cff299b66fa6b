"""Where the numbers of arrays are: compiled as well, since NumPy takes long to say."""

from __future__ import annotations

import numpy as np


def python_with_addresses(*arguments: object) -> tuple:
    """Return the arguments, with the address of its numbers for each array."""
    return tuple(
        value.ctypes.data if isinstance(value, np.ndarray) else value
        for value in arguments
    )


try:
    from ._addresses import with_addresses
except ImportError:  # It needs the headers of Python, which kernels do not.
    with_addresses = python_with_addresses
