"""``Net``: a map without an inverse, used as conditioner or summary network."""

from __future__ import annotations

from collections.abc import Sequence

from .._types import Array, Shape
from ..errors import LayerError, describe, expect, message
from ..kernels.workers import sharing_work
from ..parameter import Parameter
from .bijection import CondKind, _missing
from .checks import check_call, cond_shape_of, first_batch, named_error
from .layer import Layer
from .limits import within_limit
from .linearize import Collector, condition_tangent, make_tangent, zeros_like


class Net(Layer):
    """A map ``(x, parameters, condition) -> y``.

    ``backward`` takes the *input* of the map (there is no inverse to recompute it
    from the output).
    """

    cond_kind: CondKind = "none"

    @property
    def splits_batch(self) -> bool:
        """Whether samples may be treated apart, and at the same time on threads.

        True for a class that says ``_is_per_sample = True`` itself, which is a promise
        to be array code on each sample. Subclasses do not inherit it: they may do
        what cannot be split.
        """
        return vars(type(self)).get("_is_per_sample", False)

    @property
    def gives_gradients_away(self) -> bool:
        """Whether ``pull`` adds to gradients new arrays that nobody else holds.

        Then those of several threads are summed in place. No array may be added for two
        parameters. True for a class that says ``_has_new_gradients = True`` itself.
        """
        return vars(type(self)).get("_has_new_gradients", False)

    gives_result_away: bool = False
    """Whether results are new arrays that no ``pull`` needs: may be overwritten.

    Then they may also be in memory that is used again when a piece of the batch is
    done, so what ``pull`` returns or adds to gradients is no view of one.
    """

    # --- hooks, to be written by a net ----------------------------------------------

    def _forward(self, x, cond):
        """Return y, keeping nothing."""
        return self._linearize(x, cond)[0]

    def _linearize(self, x, cond):
        """Return (y, pull) with ``pull(dy, add_grad) -> (dx, dcond)``.

        ``pull`` keeps what one gradient needs for as long as its caller keeps it.
        """
        raise _missing(self, "_linearize")

    def _jvp(self, dx, dcond, tangent, x, cond):
        """Return (dy, y)."""
        raise _missing(self, "_jvp")

    def _initialize(self, x, cond):
        """Set what depends on data, and return y."""
        return self._forward(x, cond)

    def _check_shape(self, shape: Shape, cond_shape: Shape | None) -> Shape:
        """Return the shape of y, or raise through ``self._expect``."""
        return shape

    def _prepared(self, x) -> Net:
        """Return this net with what is the same for all samples worked out.

        For inputs like ``x``, until a parameter changes. Pieces of a batch use it.
        """
        return self

    def _n_weights(self) -> int:
        """Number of parameters, which says how much work a sample is."""
        return sum(parameter.size for parameter in self.get_params())

    def _held(self, shape: Shape, gradient: bool) -> int:
        """Numbers per sample that an evaluation, or a linearisation, holds at least.

        For nets with large hidden states, so that a batch is treated in pieces.
        """
        return 0

    def _shares_work(self, x) -> bool:
        """Whether evaluations at inputs like ``x`` share their work among threads.

        Then pieces of a batch are not shared among workers.
        """
        return False

    def _reach(self) -> int | None:
        """How many rows from its own a row of the result depends on.

        ``None``: the result on some rows is not that for an image of these rows.
        """
        return None

    # --- public methods -------------------------------------------------------------

    @sharing_work
    def forward(self, x: Array, cond=None) -> Array:
        """Evaluate the net at ``x``."""
        self._check("forward", cond, x=x, may_initialize=True)
        with within_limit(None, self, "forward", x, cond):
            if not self.initialized:
                self._first_batch(x, cond)
            return self._forward(x, cond)

    @sharing_work
    def initialize(self, x: Array, cond=None) -> Net:
        """Set the parameters that depend on data, from one batch. Returns the net.

        ``forward`` calls it when it is still to be done. Parameters that have values
        keep them.

        Raises
        ------
        ValueError
            If the batch is empty or not finite.
        """
        self._check("initialize", cond, x=x, may_initialize=True)
        with within_limit(None, self, "initialize", x, cond):
            self._first_batch(x, cond)
        return self

    def backward(self, dy: Array, x: Array, cond=None):
        """Return ``dx`` (with a condition ``(dx, dcond)``) and add to ``grad``."""
        dx, dcond = self._run_pull("backward", dy, x, cond, Parameter.accumulate)
        return (dx, dcond) if self.cond_kind == "array" else dx

    @sharing_work
    def jacobian(
        self,
        dx: Array | None,
        dtheta: Sequence[Array] | None,
        x: Array,
        cond=None,
        dcond: Array | None = None,
    ) -> tuple[Array, Array]:
        """Return ``(dy, y)``, the derivative along the directions, and the value."""
        self._check("jacobian", cond, optional=("dx", "dcond"), x=x, dx=dx, dcond=dcond)
        where = f"{type(self).__name__}.jacobian"
        dx = zeros_like(x) if dx is None else dx
        expect(dx.shape == x.shape, where, f"dx of the shape {x.shape} of x", dx)
        dcond = condition_tangent(self.cond_kind, cond, dcond, where)
        tangent = make_tangent(self.get_params(), dtheta, where)
        with within_limit(None, self, "jacobian", dx, dtheta, x, cond, dcond):
            return self._jvp(dx, dcond, tangent, x, cond)

    def adjoint_jacobian(self, dy: Array, x: Array, cond=None) -> tuple:
        """Return ``(dx, dtheta)``, with a condition ``(dx, dtheta, dcond)``."""
        collector = Collector()
        dx, dcond = self._run_pull("adjoint_jacobian", dy, x, cond, collector)
        dtheta = collector.aligned(self.get_params())
        return (dx, dtheta, dcond) if self.cond_kind == "array" else (dx, dtheta)

    def _first_batch(self, x, cond):
        """Initialise from a checked batch."""
        with first_batch(self, x, cond):
            self._initialize(x, cond)

    @sharing_work
    def _run_pull(self, method, dy, x, cond, add_grad):
        shape = self._check(method, cond, x=x, dy=dy)
        if dy.shape != shape:
            where = f"{type(self).__name__}.{method}"
            raise ValueError(message(where, f"dy of shape {shape}", describe(dy)))
        with within_limit(None, self, method, dy, x, cond):
            return self._linearize(x, cond)[1](dy, add_grad)

    def _check(
        self, method, cond, *, may_initialize=False, optional=(), **arrays
    ) -> Shape:
        try:
            shape, initialized = check_call(self, method, cond, optional, arrays)
            self._expect_array(shape)
            if not initialized and not may_initialize:
                self._require_initialized(method)
            return self._check_shape(shape, cond_shape_of(self, cond))
        except LayerError as error:
            raise named_error(self, method, error, arrays, cond) from None
