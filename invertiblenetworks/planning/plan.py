"""``plan_memory``: the peaks of memory of a network, before there is any array."""

from __future__ import annotations

import dataclasses
import math
import numbers

from .._types import Shape
from ..base import Bijection, Net
from ..errors import describe, expect
from ..init import float_type
from .peak import expect_plannable, peak_of_call
from .phantom_array import Phantom
from .phantom_layer import phantom_layer
from .phantom_module import PhantomModule

WHERE = "plan_memory"
MIB = 2**20


@dataclasses.dataclass(frozen=True)
class MemoryPlan:
    """Bytes that a layer or network takes for arrays of one shape.

    Attributes
    ----------
    forward, inverse, backward, backward_inv : int or None
        Peak of the method, on top of what is there before the call: its arguments,
        the parameters, and gradients that these have already. Results are part of it.
        ``None`` for methods that a net does not have.
    state : int
        The input; of a pair both arrays.
    parameters : int
        All parameters.
    gradients : int
        The gradients of all parameters that are trained.
    """

    forward: int
    inverse: int | None
    backward: int
    backward_inv: int | None
    state: int
    parameters: int
    gradients: int

    def __str__(self) -> str:
        held = ("state", "parameters", "gradients")
        peaks = ("forward", "inverse", "backward", "backward_inv")
        lines = ["in memory before          MiB", *map(self._line, held)]
        lines += ["peak beyond that          MiB", *map(self._line, peaks)]
        return "\n".join(line for line in lines if line)

    def _line(self, name: str) -> str:
        n_bytes = getattr(self, name)
        return "" if n_bytes is None else f"  {name:<14} {n_bytes / MIB:12.3f}"


def plan_memory(
    layer: Bijection | Net,
    shape: Shape | tuple[Shape, Shape],
    cond_shape: Shape | None = None,
    *,
    dtype: object = None,
    gradients: bool = True,
) -> MemoryPlan:
    """Predict the peaks of memory of a layer or network, without allocating anything.

    Parameters
    ----------
    layer : Bijection or Net
        It is neither run nor changed.
    shape : tuple of int, or tuple of two such
        Shape of the input, of each array for layers on pairs.
    cond_shape : tuple of int, optional
        Shape of the condition, if there is one.
    dtype : {"float32", "float64"}, optional
        By default that of the parameters.
    gradients : bool, default True
        Whether ``backward`` makes the gradients of the parameters, as it does the
        first time and after ``clear_grad``. If not, they are there and it adds to
        them.

    Returns
    -------
    MemoryPlan
        Bytes, by method.

    Raises
    ------
    ValueError
        If the shape does not fit, with the message that ``forward`` would give.
    TypeError
        If the layer takes a context, or something in it calls a library that cannot
        work without values, such as an operator of SciPy.
    AttributeError
        If something in it calls a function of NumPy that is not known here.

    Notes
    -----
    The methods run as they are on arrays that have a shape, but no memory. Views,
    copies, temporary arrays and their lifetimes are those of NumPy on the machine at
    hand. What is predicted is what ``tracemalloc`` measures of arrays: without the
    interpreter, other objects of Python, and the workspace of the BLAS library. Where
    several workers share the work, it is the most that a call takes: when they reach
    their peaks at the same time. Two that miss each other take up to 5 % less (Glow,
    HINT, i-RIM); more of them, or conditioners that end in an activation, up to 16 %.

    Arguments are taken to be in C order. The results of calls on vectors are laid out
    by channel; where they are handed in again, a call takes less, if anything.

    Memory that kernels keep from call to call is part of each peak, as if each call
    were the first one. Layers that depend on data count as initialised: where a batch
    has to initialise them, ``forward`` may need more. Peaks are those on the CPU.

    Examples
    --------
    >>> from invertiblenetworks import NetworkGlow, plan_memory
    >>> net = NetworkGlow(3, 32, L=2, K=4, split_scales=True, rng=0)
    >>> plan = plan_memory(net, (8, 3, 256, 256))
    >>> plan.state
    6291456
    >>> plan.state < plan.forward < plan.backward
    True
    """
    expect_plannable(WHERE, layer)
    shape = _checked_shape("shape", shape)
    if cond_shape is not None:
        cond_shape = _checked_shape("cond_shape", cond_shape)
    dtype = float_type(layer.dtype or "float32" if dtype is None else dtype, WHERE)

    def peak(method: str, *shapes: Shape) -> int:
        return _peak(layer, method, shapes, cond_shape, dtype, not gradients)

    # First of all, since it checks the shapes.
    forward = peak("forward", shape)
    params = layer.get_params()
    sizes = {
        "state": _n_values(shape) * dtype.itemsize,
        "parameters": sum(p.size for p in params) * dtype.itemsize,
        "gradients": sum(p.size for p in params if p.trainable) * dtype.itemsize,
    }
    if isinstance(layer, Net):
        result = layer._check_shape(shape, cond_shape)
        backward = peak("backward", result, shape)
        return MemoryPlan(forward, None, backward, None, **sizes)
    result = layer._check_shape(shape, cond_shape, False)
    return MemoryPlan(
        forward,
        peak("inverse", result),
        peak("backward", result, result),
        peak("backward_inv", shape, shape),
        **sizes,
    )


def _peak(layer, method, shapes, cond_shape, dtype, has_gradients) -> int:
    """Run one method on phantom arrays; return what it allocated at most."""
    xp = PhantomModule()
    phantom = phantom_layer(layer, xp, dtype, gradients=has_gradients)
    arrays = [_new_array(xp, shape, dtype) for shape in shapes]
    cond = None if cond_shape is None else _new_array(xp, cond_shape, dtype)
    return peak_of_call(xp, phantom, method, [*arrays, cond])


def _new_array(xp, shape, dtype) -> Phantom | tuple[Phantom, ...]:
    if isinstance(shape[0], tuple):
        return tuple(xp.empty(part, dtype) for part in shape)
    return xp.empty(shape, dtype)


def _n_values(shape) -> int:
    parts = shape if isinstance(shape[0], tuple) else (shape,)
    return sum(map(math.prod, parts))


def _checked_shape(name: str, shape) -> Shape | tuple[Shape, ...]:
    """Return a shape, or those of a pair, as tuples of positive Python integers."""
    entries = shape if isinstance(shape, tuple | list) else ()
    if entries and all(isinstance(entry, tuple | list) for entry in entries):
        return tuple(_checked_shape(name, entry) for entry in entries)
    sizes = [n for n in entries if isinstance(n, numbers.Integral) and n > 0]
    wanted = f"{name} to be a tuple of positive integers, or of two such tuples"
    got = repr(shape) if isinstance(shape, tuple | list) else describe(shape)
    hint = "Of an array x this is x.shape."
    expect(0 < len(sizes) == len(entries), WHERE, wanted, got, hint)
    return tuple(map(int, sizes))
