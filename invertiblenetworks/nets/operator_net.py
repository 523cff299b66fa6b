"""A linear operator as a net."""

from __future__ import annotations

import math
from typing import Any

from .._types import Shape
from ..backend import get_array_module
from ..errors import expect
from ..kernels import linear_maps
from .linear_net import LinearNet


class OperatorNet(LinearNet):
    """Apply a linear operator to each sample, laid out as a vector.

    For instance the physics of an experiment, or its adjoint, as a fixed part of a
    conditioner or summary network.

    Parameters
    ----------
    operator : object
        A dense or sparse matrix, or an operator of SciPy, CuPy, PyLops or of one's
        own: with ``shape``; with ``matvec`` or ``@``; and for the adjoint with
        ``rmatvec``, ``H`` or ``T``. See `kernels.linear_maps`.
    shape_in, shape_out : tuple of int
        Shapes (channels, *spatial) of one sample of the input and of the output. The
        operator acts on their entries in C order.

    Raises
    ------
    ValueError
        If the shape of the operator is not (size of shape_out, size of shape_in).

    Notes
    -----
    Map: ``y = Re(A x)``; adjoint: ``dx = Re(A^H dy)``. For both parts of complex data
    give an operator that stacks them. Results are cast to the type of the input,
    whatever the operator computes in. On the GPU the operator must work on CuPy
    arrays; it has no parameters, so ``to_gpu`` does not move it.

    Examples
    --------
    The sum of all pixels, and its gradient:

    >>> import numpy as np
    >>> from invertiblenetworks import OperatorNet
    >>> net = OperatorNet(np.ones((1, 6)), (1, 2, 3), (1,))
    >>> x = np.ones((4, 1, 2, 3), "float32")
    >>> y = net.forward(x)
    >>> y.shape, net.backward(y, x).shape
    ((4, 1), (4, 1, 2, 3))
    """

    def __init__(self, operator: Any, shape_in: Shape, shape_out: Shape):
        self.shape_in, self.shape_out = tuple(shape_in), tuple(shape_out)
        sizes = (math.prod(self.shape_out), math.prod(self.shape_in))
        found = tuple(getattr(operator, "shape", ()))
        wanted = f"an operator of shape {sizes} for samples of these shapes"
        expect(found == sizes, "OperatorNet", wanted, f"shape {found}")
        self.operator = operator

    def _apply(self, x):
        return self._on_samples(linear_maps.apply, x, self.shape_out)

    def _adjoint(self, dy, shape):
        return self._on_samples(linear_maps.apply_adjoint, dy, self.shape_in)

    def _on_samples(self, product, x, sample_shape):
        n_samples = x.shape[0]
        columns = product(self.operator, x.reshape(n_samples, -1).T).real
        result = columns.T.reshape(n_samples, *sample_shape)
        return get_array_module(x).ascontiguousarray(result)

    def _check_shape(self, shape, cond_shape):
        wanted = f"samples of shape {self.shape_in}"
        self._expect(shape[1:] == self.shape_in, wanted, f"an array of shape {shape}")
        return (shape[0], *self.shape_out)
