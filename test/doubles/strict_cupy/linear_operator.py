"""The ``LinearOperator`` of ``cupyx.scipy.sparse.linalg`` for the strict double."""

from __future__ import annotations

import numpy as np

from .namespace import cupy


class LinearOperator:
    """A matrix given by its products with vectors.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    matvec : callable
        The product with a vector.
    rmatvec : callable, optional
        The product of the adjoint with a vector.
    matmat, rmatmat : callable, optional
        The same with the columns of a matrix.
    dtype : dtype, optional
        Type of the entries.
    """

    ndim = 2

    def __init__(
        self, shape, matvec, rmatvec=None, matmat=None, dtype=None, rmatmat=None
    ):
        self.shape = tuple(shape)
        self.dtype = None if dtype is None else np.dtype(dtype)
        self._matvec = matvec
        self._rmatvec = rmatvec
        self._matmat = matmat
        self._rmatmat = rmatmat

    def matvec(self, x):
        """Return the product with the vector ``x``."""
        self._expect_vector(x, self.shape[1])
        return self._matvec(x).reshape(self.shape[0])

    def rmatvec(self, x):
        """Return the product of the adjoint with the vector ``x``."""
        if self._rmatvec is None:
            raise NotImplementedError("rmatvec is not defined")
        self._expect_vector(x, self.shape[0])
        return self._rmatvec(x).reshape(self.shape[1])

    def matmat(self, x):
        """Return the product with the matrix ``x``."""
        if self._matmat is not None:
            return self._matmat(x)
        columns = [self.matvec(x[:, index]) for index in range(x.shape[1])]
        return cupy.stack(columns, axis=1)

    def rmatmat(self, x):
        """Return the product of the adjoint with the matrix ``x``."""
        return self.adjoint().matmat(x)

    def dot(self, x):
        """Return the product with a vector or a matrix."""
        return self.matvec(x) if x.ndim == 1 else self.matmat(x)

    __matmul__ = dot
    __mul__ = dot
    __call__ = dot

    def adjoint(self):
        """Return the adjoint operator."""
        return LinearOperator(
            self.shape[::-1],
            self.rmatvec,
            self.matvec,
            self._rmatmat,
            self.dtype,
            self._matmat,
        )

    H = property(adjoint)

    def _expect_vector(self, x, length):
        if not isinstance(x, cupy.ndarray):
            raise TypeError(f"expected a CuPy array, got {type(x)}")
        if x.shape not in {(length,), (length, 1)}:
            raise ValueError(f"dimension mismatch: {x.shape} with {self.shape}")
