"""The data term of unrolled inverse problems, as a conditioner."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

from .._types import Array
from ..backend import get_array_module, is_array
from ..base import Bijection, Net
from ..base.checks import expect_finite
from ..errors import describe, expect, expect_positive
from ..kernels.activation_layers import Activation, IdentityLayer, activation_by_name
from ..kernels.channels import join_channels, per_sample, split_channels
from ..kernels.least_squares import damped_solve, misfit_gradient, normal_product


class GradientTerm:
    """``A^H (A x - d)``: the gradient of ``|A x - d|^2 / 2``."""

    def value(self, A: Any, x: Array, d: Array) -> Array:
        """Return the term at x; all vectors are columns."""
        return misfit_gradient(A, x, d)

    def derivative(self, A: Any, v: Array) -> Array:
        """Return its derivative along v, a self-adjoint map."""
        return normal_product(A, v)


@dataclass(frozen=True)
class GaussNewtonTerm:
    """``(A^H A + damping)^-1 A^H (A x - d)``: the step to the damped solution.

    Parameters
    ----------
    damping : float
        Greater than 0.
    cg_steps : int
        Most steps of conjugate gradients, see ``kernels.least_squares.damped_solve``.
    """

    damping: float
    cg_steps: int

    def __post_init__(self):
        where = type(self).__name__
        is_number = isinstance(self.damping, numbers.Real)
        wanted = "damping > 0"
        usable = is_number and 0 < self.damping < float("inf")
        expect(usable, where, wanted, f"{self.damping!r}")
        # A Python float: NumPy's would turn float32 arrays into float64.
        object.__setattr__(self, "damping", float(self.damping))
        expect_positive(where, cg_steps=self.cg_steps)

    def value(self, A: Any, x: Array, d: Array) -> Array:
        """Return the term at x; all vectors are columns."""
        return damped_solve(A, misfit_gradient(A, x, d), self.damping, self.cg_steps)

    def derivative(self, A: Any, v: Array) -> Array:
        """Return its derivative along v, a self-adjoint map."""
        # With K = A^H A: (K + damping)^-1 K = 1 - damping (K + damping)^-1.
        return v - self.damping * damped_solve(A, v, self.damping, self.cg_steps)


class DataGradient(Net):
    """Normalised gradient of the data misfit at ``psi(x)``, given data and operator.

    Map: ``g = A^H (A psi(x) - d)`` for each sample of one channel, laid out as a
    vector; then ``normalization(g)``, followed by channels of zeros.

    Parameters
    ----------
    n_out : int
        Channels of the result; all but the first are zero.
    normalization : Bijection
        Acts on the one channel of g, for instance ``ActNorm(1)``.
    psi : Activation or str, optional
        Elementwise link between x and what the operator acts on; by default none.
    term : GradientTerm or GaussNewtonTerm, optional
        What is used for g; by default the gradient.

    Shapes
    ------
    x : (N, 1, *spatial)
    cond : (d, A)
        A has the shape (n_data, pixels), see ``kernels.linear_maps``; d has N samples
        of n_data numbers in any shape, real or complex.

    Notes
    -----
    For each sample ``A`` and its adjoint are applied once for the value, and once more
    for a derivative; ``GaussNewtonTerm`` adds the products of its solver. Results are
    cast to the type of x, whatever A computes in.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import ActNorm, DataGradient
    >>> x, d = np.zeros((4, 1, 3, 2), "float32"), np.ones((4, 5), "float32")
    >>> A = np.random.default_rng(0).random((5, 6), "float32")
    >>> DataGradient(2, ActNorm(1)).forward(x, (d, A)).shape
    (4, 2, 3, 2)
    """

    cond_kind = "context"

    def __init__(
        self,
        n_out: int,
        normalization: Bijection,
        *,
        psi: Activation | str | None = None,
        term: GradientTerm | GaussNewtonTerm | None = None,
    ):
        where = "DataGradient"
        expect_positive(where, n_out=n_out)
        self.psi = activation_by_name(IdentityLayer() if psi is None else psi, where)
        wanted = "an elementwise activation as psi"
        expect(not self.psi.halves_channels, where, wanted, repr(self.psi))
        self.n_out, self.normalization = n_out, normalization
        self.term = GradientTerm() if term is None else term

    def _gradient(self, image, cond):
        """Return g, in the shape of the image ``psi(x)``."""
        d, A = cond
        columns = d.reshape(d.shape[0], -1).T
        return _like(image, self.term.value(A, _as_columns(image), columns))

    def _gradient_tangent(self, d_image, cond):
        return _like(d_image, self.term.derivative(cond[1], _as_columns(d_image)))

    def _with_zeros(self, first):
        if self.n_out == 1:
            return first
        n_samples, _, *spatial = first.shape
        shape = (n_samples, self.n_out - 1, *spatial)
        zeros = get_array_module(first).zeros(shape, first.dtype)
        return join_channels(first, zeros)

    def _forward(self, x, cond):
        g = self._gradient(self.psi.forward(x), cond)
        return self._with_zeros(self.normalization._forward(g, None)[0])

    def _linearize(self, x, cond):
        image = self.psi.forward(x)
        y = self.normalization._forward(self._gradient(image, cond), None)[0]

        def pull(dy, add_grad):
            first, _ = split_channels(dy, 1)
            none = per_sample(first, 0.0)
            dg, _, _ = self.normalization._backward(first, none, y, None, add_grad)
            return self.psi.vjp(self._gradient_tangent(dg, cond), image), None

        return self._with_zeros(y), pull

    def _jvp(self, dx, dcond, tangent, x, cond):
        image = self.psi.forward(x)
        g = self._gradient(image, cond)
        # The Jacobian of psi is diagonal, so its adjoint maps tangents, too.
        dg = self._gradient_tangent(self.psi.vjp(dx, image), cond)
        dy, y, _, _ = self.normalization._jacobian(dg, None, tangent, g, None)
        return self._with_zeros(dy), self._with_zeros(y)

    def _initialize(self, x, cond):
        g = self._gradient(self.psi.forward(x), cond)
        # Data that are not finite would spoil the parameters for good.
        expect_finite("DataGradient.initialize", g)
        return self._with_zeros(self.normalization._initialize(g, None, False))

    def _check_shape(self, shape, cond_shape):
        found = f"an array of shape {shape}"
        self._expect(shape[1] == 1, "1 channel on axis 1", found)
        self._check_context(shape, cond_shape)
        return (shape[0], self.n_out, *shape[2:])

    def _check_context(self, shape, context):
        is_pair = isinstance(context, tuple) and len(context) == 2
        wanted = "a tuple (d, A) of data and a linear operator as condition"
        self._expect(is_pair, wanted, describe(context), kind=TypeError)
        d, A = context
        sizes = getattr(A, "shape", None)
        wanted = "A to be a linear operator with a shape of two numbers"
        self._expect(sizes is not None, wanted, type(A).__name__, kind=TypeError)
        self._expect(len(sizes) == 2, wanted, f"the shape {sizes}")
        n_pixels = math.prod(shape[2:])
        self._expect(
            sizes[1] == n_pixels,
            f"A of shape (n_data, {n_pixels}) for {n_pixels} pixels",
            f"the shape {tuple(sizes)}",
        )
        self._expect(is_array(d), "d to be an array", type(d).__name__, kind=TypeError)
        wanted, found = (shape[0], sizes[0]), (*d.shape[:1], math.prod(d.shape[1:]))
        hint = "d has one row per sample, with as many numbers as A has rows."
        self._expect(found == wanted, f"d of shape {wanted}", d, hint)
        for name, array in (("d", d), ("A", A)):
            self._check_device(name, array)

    def _check_device(self, name, array):
        """An operator that is no array may work on anything: that is its affair."""
        module = self.normalization._expected_kind()[1]
        self._expect(
            not is_array(array) or module in (None, get_array_module(array)),
            f"{name} on the device of the parameters",
            array,
            "Move one of them with to_gpu or to_cpu.",
            kind=TypeError,
        )


def _as_columns(image):
    """(N, 1, *spatial) to (pixels, N)."""
    return image.reshape(image.shape[0], -1).T


def _like(image, columns):
    """Undo ``_as_columns``, to the shape of ``image``."""
    columns = get_array_module(columns).ascontiguousarray(columns.T)
    return columns.reshape(image.shape)
