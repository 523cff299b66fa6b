"""Products of any linear operator, and of its adjoint, with the columns of an array.

An operator is whatever has a ``shape`` of (rows, columns) and a product: a dense or
sparse matrix of NumPy, SciPy or CuPy, a ``LinearOperator`` of SciPy or CuPy, an
operator of PyLops, or a class of one's own. It is asked for methods, never for its
type:

=======  ========================================================================
product  is the first there is of
=======  ========================================================================
forward  ``operator.matvec`` of each column; ``operator @ columns``
adjoint  ``operator.rmatvec`` of each column; the forward product of
         ``operator.H``; the forward product of ``operator.T``, with conjugates
=======  ========================================================================

So a function that is given to a ``LinearOperator`` always meets vectors, which not
all of them distinguish from arrays of one column. A matrix is fastest as it is: then
there is one product for all columns.

Nothing is moved between host and device: operator and columns must fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._types import Array
from ..backend import get_array_module
from ..errors import describe, expect, message


def apply(operator: Any, columns: Array) -> Array:
    """Apply a linear operator to each column.

    Parameters
    ----------
    operator : object
        The operator A of shape (rows, n), see above.
    columns : array, shape (n, batch)
        Real or complex vectors, one per column.

    Returns
    -------
    array, shape (rows, batch)
        In the precision of ``columns``; complex if the operator returns complex
        numbers.

    Raises
    ------
    TypeError
        If the operator has no product, or works on arrays of another library.
    ValueError
        If the size of the result is not that of the operator.

    Notes
    -----
    Many operators compute in float64 whatever they are given. Results are cast back,
    so that one of them does not change the precision of all that follows.

    Examples
    --------
    >>> import numpy as np
    >>> apply(np.array([[1.0, 2.0]]), np.ones((2, 3), "float32"))
    array([[3., 3., 3.]], dtype=float32)
    """
    product = _product("apply", operator, columns)
    return _as_columns("apply", product, operator.shape[0], columns)


def apply_adjoint(operator: Any, columns: Array) -> Array:
    """Apply the adjoint of a linear operator to each column.

    Parameters
    ----------
    operator : object
        The operator A of shape (n, rows).
    columns : array, shape (n, batch)
        Real or complex vectors, one per column.

    Returns
    -------
    array, shape (rows, batch)
        As for `apply`. Of the gradient of a function of *real* vectors only the real
        part counts, which is left to the caller.

    Raises
    ------
    TypeError, ValueError
        As for `apply`.

    Notes
    -----
    The adjoint is the conjugate transpose: ``<apply(A, u), v> = <u,
    apply_adjoint(A, v)>`` with the complex inner product.

    Examples
    --------
    >>> import numpy as np
    >>> apply_adjoint(np.array([[1.0, 2.0j]]), np.ones((1, 1)))
    array([[1.-0.j],
           [0.-2.j]])
    """
    where = "apply_adjoint"
    if hasattr(operator, "rmatvec"):
        product = _by_column(operator.rmatvec, columns)
    elif hasattr(operator, "H"):
        product = _product(where, operator.H, columns)
    elif hasattr(operator, "T"):
        # The vectors are conjugated, since they are smaller than the matrix.
        product = _product(where, operator.T, columns.conj()).conj()
    else:
        raise _not_an_operator(where, "rmatvec, H or T", operator)
    return _as_columns(where, product, operator.shape[1], columns)


def _product(where: str, operator: Any, columns: Array) -> Array:
    if hasattr(operator, "matvec"):
        return _by_column(operator.matvec, columns)
    if hasattr(operator, "__matmul__"):
        return operator @ columns
    raise _not_an_operator(where, "matvec or @", operator)


def _by_column(product: Callable[[Array], Array], columns: Array) -> Array:
    xp = get_array_module(columns)
    products = [product(columns[:, j]) for j in range(columns.shape[1])]
    return xp.stack([p.reshape(-1) for p in products], axis=1)


def _as_columns(where: str, product: Array, n_rows: int, columns: Array) -> Array:
    """Return a product as plain columns in the precision of those it came from."""
    # It may be a numpy.matrix, or have images in place of vectors.
    xp = get_array_module(columns, product)
    n_columns = columns.shape[1]
    wanted = f"{n_rows} numbers per column, as the shape of the operator says"
    expect(product.size == n_rows * n_columns, where, wanted, product)
    product = xp.asarray(product).reshape(n_rows, n_columns)
    dtype = columns.real.dtype
    if product.dtype.kind == "c":
        dtype = xp.result_type(dtype, "complex64")
    return product.astype(dtype, copy=False)


def _not_an_operator(where: str, methods: str, operator: Any) -> TypeError:
    return TypeError(
        message(where, f"a linear operator with {methods}", describe(operator))
    )
