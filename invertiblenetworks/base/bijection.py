"""``Bijection``: the public methods of every invertible layer, written once.

A layer writes the hooks (``_forward`` and so on); they have a fixed number of
arguments and results. The public methods check what the user gave, choose the
cotangent of the log-determinant, and drop what the layer's options leave out.

Everything inverse is the forward code with the hooks exchanged, so each public
method has one implementation for both directions (the ``_run_...`` methods).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

from .._types import Array, Shape
from ..errors import LayerError, NotInitializedError, expect_real
from ..kernels.channels import batch_size, per_sample, sum_per_sample
from ..kernels.workers import sharing_work
from ..parameter import Parameter
from .checks import (
    check_call,
    cond_shape_of,
    expect_results,
    expect_same_shape,
    first_batch,
    named_error,
)
from .kept import expect_result, note_result
from .layer import Layer
from .limits import within_limit
from .linearize import Collector, condition_tangent, make_tangent, zeros_like

CondKind = Literal["none", "array", "context"]
Bytes: TypeAlias = float | str


class Bijection(Layer):
    """An invertible map ``(x, parameters, condition) -> (y, logdet)``.

    Attributes
    ----------
    logdet : bool
        Return the batch-mean log-determinant from ``forward``, and differentiate
        ``f - logdet`` in ``backward``. Matters on the object that is called;
        inside a composition the log-determinants are always summed.
    cond_kind : {"none", "array", "context"}
        Whether there is a condition, and whether it has a gradient ("array").

    Notes
    -----
    Order to remember: derivative first, value second, condition last.

    ``memory_limit`` is for one call what the function of that name is for a block; None
    leaves the limit of the block that the call is in.
    """

    logdet: bool = False
    cond_kind: CondKind = "none"

    # --- hooks, to be written by a layer --------------------------------------------

    def _forward(self, x, cond):
        """Return (y, ld); ld of shape (N,)."""
        raise _missing(self, "_forward")

    def _inverse(self, y, cond):
        """Return (x, ld) with ld of the inverse map."""
        raise _missing(self, "_inverse")

    def _backward(self, dy, dld, y, cond, add_grad):
        """Return (dx, x, dcond): adjoint of ``_jacobian`` at the x behind y."""
        raise _missing(self, "_backward")

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        """Return (dy, y, dcond): the same for the inverse map."""
        raise _missing(self, "_backward_inv")

    def _jacobian(self, dx, dcond, tangent, x, cond):
        """Return (dy, y, dld, ld)."""
        raise _missing(self, "_jacobian")

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        """Return (dx, x, dld, ld), the same for the inverse map."""
        raise _missing(self, "_jacobian_inv")

    def _check_shape(self, shape: Shape, cond_shape: Shape | None, inverse: bool):
        """Return the shape of the result, or raise through ``self._expect``.

        A context condition comes as it is, in place of ``cond_shape``.
        """
        return shape

    def _folded_with(self, following: Bijection) -> Bijection | None:
        """Return one layer in place of this and the following one, if there is one."""
        return None

    def _initialize(self, x, cond, inverse):
        """Set what depends on data, and return the result of the map."""
        return (self._inverse if inverse else self._forward)(x, cond)[0]

    # --- public methods -------------------------------------------------------------

    def forward(self, x: Array, cond=None, *, memory_limit: Bytes | None = None):
        """Map ``x`` to ``y``; with ``logdet=True`` to ``(y, logdet)``.

        Parameters
        ----------
        x : array, shape (N, C, *spatial)
            The input.
        cond : array or object, optional
            The condition, if the layer takes one.
        memory_limit : float or str, optional
            Bytes that this call may take, see `memory_limit`.

        Returns
        -------
        y : array
            The output.
        logdet : 0-d array
            Mean over the batch of ``log|det dy/dx|``, in nats.

        Raises
        ------
        ValueError
            If the shape does not fit.
        TypeError
            If type or device do not fit, or the condition is missing.
        MemoryError
            If there is a memory limit, and nothing keeps it.
        """
        y, ld = self._run(False, "forward", x, cond, memory_limit)
        return (y, ld.mean()) if self.logdet else y

    def inverse(self, y: Array, cond=None, *, memory_limit: Bytes | None = None):
        """Map ``y`` back to ``x``. The log-determinant of the inverse map comes from
        ``reverse(layer).forward``.
        """
        return self._run(True, "inverse", y, cond, memory_limit)[0]

    def backward(
        self, dy: Array, y: Array, cond=None, *, memory_limit: Bytes | None = None
    ) -> tuple:
        """Pull the gradient ``dy`` of a function f back through the layer.

        The input is recomputed from ``y``: nothing was stored by ``forward``.
        Parameter gradients are added to ``Parameter.grad``. With ``logdet=True`` all
        gradients are those of ``f(y) - logdet``.

        Returns
        -------
        dx : array
            Gradient with respect to the input.
        x : array
            The recomputed input. If it is not your input, then what was handed in was
            not the output.
        dcond : array
            Gradient with respect to the condition, if ``cond_kind`` is "array".
        """
        return self._run_backward(False, "backward", dy, y, cond, memory_limit)

    def backward_inv(
        self, dx: Array, x: Array, cond=None, *, memory_limit: Bytes | None = None
    ) -> tuple:
        """Pull the gradient ``dx`` of a function f of ``inverse(y)`` back.

        Returns ``(dy, y)``, and ``dcond``. With ``logdet=True`` the gradients are
        those of ``f(x)`` minus the log-determinant of the inverse map.
        """
        return self._run_backward(True, "backward_inv", dx, x, cond, memory_limit)

    def jacobian(
        self,
        dx: Array | None,
        dtheta: Sequence[Array] | None,
        x: Array,
        cond=None,
        dcond: Array | None = None,
    ) -> tuple:
        """Directional derivative of the map at ``x``.

        Parameters
        ----------
        dx : array or None
            Direction of the input; ``None`` means zero.
        dtheta : list of array or None
            Direction of the parameters, aligned with ``get_params()``; ``None``
            means zero.
        x, cond : array
            Where the derivative is taken.
        dcond : array, optional
            Direction of the condition.

        Returns
        -------
        dy, y : array
            Derivative of the output, and the output.
        dlogdet, logdet : 0-d array
            The same for the batch-mean log-determinant, with ``logdet=True``.
        """
        return self._run_jacobian(False, "jacobian", dx, dtheta, x, cond, dcond)

    def jacobian_inv(
        self,
        dy: Array | None,
        dtheta: Sequence[Array] | None,
        y: Array,
        cond=None,
        dcond: Array | None = None,
    ) -> tuple:
        """Directional derivative of the inverse map at ``y``: ``(dx, x)``."""
        return self._run_jacobian(True, "jacobian_inv", dy, dtheta, y, cond, dcond)

    def adjoint_jacobian(
        self, dy: Array, y: Array, cond=None, *, dlogdet: float = 0.0
    ) -> tuple:
        """Apply the adjoint of ``jacobian`` to ``dy`` (and ``dlogdet``).

        ``Parameter.grad`` is left alone, and ``logdet`` makes no difference: this is
        the plain adjoint.

        Returns
        -------
        dx : array
            Cotangent of the input.
        dtheta : list of array
            Cotangents of the parameters, aligned with ``get_params()``.
        x : array
            The recomputed input.
        dcond : array
            Cotangent of the condition, if ``cond_kind`` is "array".
        """
        return self._run_collect(False, "adjoint_jacobian", dy, y, cond, dlogdet)

    def adjoint_jacobian_inv(
        self, dx: Array, x: Array, cond=None, *, dlogdet: float = 0.0
    ) -> tuple:
        """Apply the adjoint of ``jacobian_inv``: returns ``(dy, dtheta, y)``."""
        return self._run_collect(True, "adjoint_jacobian_inv", dx, x, cond, dlogdet)

    @sharing_work
    def log_abs_det(self, x: Array, cond=None) -> Array:
        """``log|det dy/dx|`` of each sample, in nats; shape (N,)."""
        self._enter(False, "log_abs_det", cond, x=x)
        with within_limit(None, self, "log_abs_det", x, cond):
            return self._forward(x, cond)[1]

    @sharing_work
    def log_prob(self, x: Array, cond=None) -> Array:
        """Log-density of each sample when ``y`` is standard normal; shape (N,), nats.

        ``-|y|^2 / 2 - D/2 log(2 pi) + log|det dy/dx|`` with D values per sample.
        """
        self._enter(False, "log_prob", cond, x=x)
        with within_limit(None, self, "log_prob", x, cond):
            y, ld = self._forward(x, cond)
            for part in y if isinstance(y, tuple) else (y,):
                dimension = math.prod(part.shape[1:])
                constant = 0.5 * dimension * math.log(2.0 * math.pi)
                ld = ld - 0.5 * sum_per_sample(part * part) - constant
            return ld

    @sharing_work
    def initialize(self, x: Array, cond=None, *, inverse: bool = False) -> Bijection:
        """Set the parameters that depend on data, from one batch. Returns the layer.

        ``forward`` and ``inverse`` call it when it is still to be done. Parameters
        that have values keep them.

        Raises
        ------
        ValueError
            If the batch is empty or not finite.
        """
        self._check("initialize", inverse, cond, x=x)
        with within_limit(None, self, "initialize", x, cond, inverse=inverse):
            self._first_batch(x, cond, inverse)
        return self

    # --- one implementation for both directions -------------------------------------

    @sharing_work
    def _run(self, inverse, method, x, cond, limit=None):
        initialized = self._check(method, inverse, cond, **{"y" if inverse else "x": x})
        with within_limit(limit, self, method, x, cond):
            if not initialized:
                self._first_batch(x, cond, inverse)
            result = (self._inverse if inverse else self._forward)(x, cond)
            expect_results(self, inverse, "_forward", ("y", "ld"), result)
            note_result(self, inverse, result[0])
        return result

    def _first_batch(self, x, cond, inverse):
        """Initialise from a checked batch."""
        with first_batch(self, x, cond):
            self._initialize(x, cond, inverse)

    def _run_backward(self, inverse, method, dy, y, cond, limit):
        seed = self._objective_seed()
        add_grad = Parameter.accumulate
        return self._run_adjoint(inverse, method, dy, y, cond, seed, add_grad, limit)

    @sharing_work
    def _run_adjoint(self, inverse, method, dy, y, cond, seed, add_grad, limit=None):
        # The state handed in is the result of the map that is differentiated.
        names = ("dx", "x") if inverse else ("dy", "y")
        self._enter(not inverse, method, cond, **{names[1]: y, names[0]: dy})
        where = f"{type(self).__name__}.{method}"
        expect_same_shape(where, names, dy, y)
        expect_real(where, dlogdet=seed)
        dld = per_sample(y, seed / batch_size(y))
        hook = self._backward_inv if inverse else self._backward
        with within_limit(limit, self, method, dy, y, cond):
            expect_result(self, inverse, y)
            result = hook(dy, dld, y, cond, add_grad)
            expect_results(self, inverse, "_backward", ("dx", "x", "dcond"), result)
            dx, x, dcond = result
        return (dx, x, dcond) if self.cond_kind == "array" else (dx, x)

    def _run_collect(self, inverse, method, dy, y, cond, dlogdet):
        collector = Collector()
        out = self._run_adjoint(inverse, method, dy, y, cond, dlogdet, collector)
        return out[0], collector.aligned(self.get_params()), *out[1:]

    @sharing_work
    def _run_jacobian(self, inverse, method, dx, dtheta, x, cond, dcond):
        names = ("dy", "y") if inverse else ("dx", "x")
        arrays = {names[1]: x, names[0]: dx, "dcond": dcond}
        self._enter(inverse, method, cond, optional=(names[0], "dcond"), **arrays)
        if dx is None:
            dx = zeros_like(x)
        where = f"{type(self).__name__}.{method}"
        expect_same_shape(where, names, dx, x)
        dcond = condition_tangent(self.cond_kind, cond, dcond, where)
        tangent = make_tangent(self.get_params(), dtheta, where)
        hook = self._jacobian_inv if inverse else self._jacobian
        with within_limit(None, self, method, dx, dtheta, x, cond, dcond):
            dy, y, dld, ld = hook(dx, dcond, tangent, x, cond)
        return (dy, y, dld.mean(), ld.mean()) if self.logdet else (dy, y)

    def _objective_seed(self) -> float:
        """Cotangent of the batch-mean log-determinant in ``f - logdet``."""
        return -1.0 if self.logdet else 0.0

    # --- checks before any work -----------------------------------------------------

    def _enter(self, inverse, method, cond, optional=(), **arrays):
        if not self._check(method, inverse, cond, optional, **arrays):
            self._require_initialized(method)

    def _check(self, method, inverse, cond, optional=(), **arrays) -> bool:
        """Return whether all parameters have values."""
        try:
            shape, initialized = check_call(self, method, cond, optional, arrays)
            self._check_shape(shape, cond_shape_of(self, cond), inverse)
            return initialized
        except LayerError as error:
            raise named_error(self, method, error, arrays, cond) from None


def _missing(layer: Layer, hook: str) -> NotImplementedError:
    return NotImplementedError(
        f"{type(layer).__name__} does not define {hook}. Write it to use this method."
    )


__all__ = ["Bijection", "CondKind", "NotInitializedError"]
