"""``Jacobian``: the derivative of a layer or network as a linear operator."""

from __future__ import annotations

from typing import Any

from .._types import Array
from ..base import Bijection, Net, PairMixin
from ..errors import describe, expect, expect_in, message
from .maps import bijection_maps, net_maps
from .vectors import Linearization

IO_MODES = ("params", "input", "input_params", "full")
ORIGINAL_NAMES = {"θ↦Y": "params", "X×θ↦Y": "input_params"}


def Jacobian(
    layer: Bijection | Net,
    x: Array | tuple[Array, Array],
    io_mode: str = "params",
    *,
    cond: Any = None,
    inverse: bool = False,
) -> Any:
    """Derivative of a layer or network at ``x`` as a linear operator.

    Parameters
    ----------
    layer : Bijection or Net
        What is differentiated; its parameters must have values.
    x : array, or tuple of two arrays
        Where; a tuple for layers that act on pairs.
    io_mode : {"params", "input", "input_params", "full"}, default "params"
        From what to what the operator maps:

        ==================  ===================  ================
        io_mode             domain               range
        ==================  ===================  ================
        ``"params"``        parameters           y
        ``"input"``         x                    y
        ``"input_params"``  x, then parameters   y
        ``"full"``          x, then parameters   y, then logdet
        ==================  ===================  ================

        Each in C order; pairs one array after the other; all parameters, also frozen
        ones, in the order of ``get_params()``; logdet is the mean over the batch. The
        names of the original, ``"θ↦Y"`` and ``"X×θ↦Y"``, are understood too.
    cond : array or object, optional
        The condition, if the layer takes one. It is kept fixed.
    inverse : bool, default False
        Take the derivative of the inverse map, at a point ``x`` of its domain.

    Returns
    -------
    LinearOperator
        That of ``scipy.sparse.linalg``, or of ``cupyx.scipy.sparse.linalg`` for CuPy
        arrays, with ``shape``, ``dtype`` (that of ``x``), ``matvec``, ``rmatvec``,
        ``matmat`` and ``H``. Vectors are cast to ``dtype``. It has, further:

        ``x``, ``y``, ``logdet``
            The point, its image, and the log-determinant (``None`` of a net).
        ``split_domain(v)``
            ``(dx, dtheta)`` of a vector; ``None`` for what the mode leaves out.
        ``join_domain(dx=None, dtheta=None)``
            The vector of these; ``None`` for zeros.
        ``split_range(w)``, ``join_range(dy, dlogdet=None)``
            The same for ``(dy, dlogdet)``.

    Raises
    ------
    ValueError
        If the mode is unknown or impossible for the layer, or shapes do not fit.
    TypeError
        If ``layer`` is something else, or types or devices do not fit.
    NotInitializedError
        If a parameter has no values yet.

    Notes
    -----
    ``y`` is computed once. One product costs one call of ``jacobian`` or
    ``adjoint_jacobian`` (of a bijection at ``y``: memory does not grow with depth).
    The operator belongs to the parameters as they are; build a new one after an update.

    The Gauss-Newton operator of a misfit with the Hessian H is ``J.H @ H @ J``, see
    ``mse_hess``.

    Examples
    --------
    A singular value of the map from 32 inputs to 32 outputs:

    >>> import numpy as np
    >>> from scipy.sparse.linalg import svds
    >>> from invertiblenetworks import Conv1x1
    >>> x = np.random.default_rng(1).random((2, 4, 2, 2))
    >>> J = Jacobian(Conv1x1(4, dtype="float64", rng=1), x, "input")
    >>> svds(J, k=1, return_singular_vectors=False).round(6)
    array([1.])
    """
    where = "Jacobian"
    io_mode = ORIGINAL_NAMES.get(io_mode, io_mode)
    expect_in(where, IO_MODES, io_mode=io_mode)
    if isinstance(layer, Bijection):
        if isinstance(layer, PairMixin):
            is_pair = isinstance(x, tuple) and len(x) == 2
            expect(is_pair, where, "x to be a tuple of two arrays", x)
        maps = bijection_maps(layer, x, cond, inverse)
    elif isinstance(layer, Net):
        wanted = "io_mode other than 'full' and inverse=False for a net"
        possible = io_mode != "full" and not inverse
        expect(possible, where, wanted, f"io_mode={io_mode!r}, inverse={inverse}")
        maps = net_maps(layer, x, cond)
    else:
        raise TypeError(message(where, "a Bijection or a Net", describe(layer)))
    params = layer.get_params()
    wanted = "a layer with parameters for io_mode='params'"
    expect(params or io_mode != "params", where, wanted, describe(layer))
    return Linearization(params, x, maps, io_mode).as_operator()
