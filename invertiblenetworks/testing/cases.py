"""What is checked: a ``Case`` tells how to build a layer, a ``Subject`` is one built.

Layers often start where errors are invisible: couplings as the identity, shifts at
zero. So a subject has all its parameters moved by random amounts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .._types import Array, Rng, Shape
from ..backend import to_cpu, to_gpu
from ..base import Bijection, Layer, Net
from ..compose import Reverse
from .maps import Map, Point, maps_of
from .numeric import Value, in_kind_of, map_arrays, norm, random_like
from .pairs import as_one

PERTURBATION = 0.2


class Factory:
    """What a ``Case`` builds its layer with.

    Attributes
    ----------
    dtype : str
        "float32" or "float64", for the parameters.
    rng : numpy.random.Generator
        Source of the initial parameters; the same numbers in every build.
    gpu : bool
        Whether the layer will be moved to the GPU.
    """

    def __init__(self, dtype: str = "float64", *, gpu: bool = False, seed: int = 0):
        self.dtype, self.gpu = dtype, gpu
        self.rng = np.random.default_rng(seed)

    def array(self, values: object) -> Array:
        """Return ``values`` in the dtype and library of the case; for contexts."""
        host = np.asarray(values, self.dtype)
        return to_gpu(host) if self.gpu else host


@dataclass(frozen=True)
class Traits:
    """What the rules on which checks apply need to know of a layer."""

    is_net: bool
    n_params: int
    data_dependent: bool
    cond_kind: str
    keeps_shape: bool
    size: int


@dataclass(frozen=True)
class Case:
    """A layer or net under test.

    Parameters
    ----------
    name : str
        For reports; unique among the cases of a test-suite.
    build : callable
        Returns a new layer from a ``Factory``.
    shape : tuple of int, or tuple of such
        Shape of the input, of each array if it is a tuple of arrays.
    cond_shape : tuple of int, optional
        Shape of the condition, if it has a gradient.
    context : callable, optional
        Returns the condition of a layer with ``cond_kind`` "context" from a
        ``Factory``.
    tol : float, default 1
        Factor on all tolerances.
    smooth : bool, default True
        Whether the map has derivatives everywhere; if not, Taylor tests say nothing.
    exclude : mapping of str to str, optional
        Checks that do not apply, with the reason. A part of ``bad_arguments`` is
        named ``"bad_arguments:channels"`` and so on.

    Examples
    --------
    >>> from invertiblenetworks import ActNorm
    >>> case = Case("ActNorm", lambda f: ActNorm(3, dtype=f.dtype), (2, 3, 4, 4))
    >>> case.traits.data_dependent
    True
    """

    name: str
    build: Callable[[Factory], Bijection | Net]
    shape: Shape | tuple[Shape, ...]
    cond_shape: Shape | None = None
    context: Callable[[Factory], object] | None = None
    tol: float = 1.0
    smooth: bool = True
    exclude: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def traits(self) -> Traits:
        """Facts on the layer, from building it once."""
        layer = self.build(Factory())
        is_net = isinstance(layer, Net)
        direction = () if is_net else (False,)
        cond = self.cond_shape if self.context is None else self.context(Factory())
        result = layer._check_shape(self.shape, cond, *direction)
        return Traits(
            is_net=is_net,
            n_params=sum(p.size for p in layer.get_params()),
            data_dependent=not layer.initialized,
            cond_kind=layer.cond_kind,
            keeps_shape=result == self.shape,
            size=sum(int(np.prod(shape)) for shape in _shapes(self.shape)),
        )


@dataclass
class Subject:
    """A built, initialised and perturbed layer with a point to check it at.

    Attributes
    ----------
    case : Case
        Where it came from.
    layer : Bijection or Net
        The layer, with its log-determinant switched on.
    x, y : value
        An input, and the output that belongs to it.
    cond : array, object or None
        The condition, whatever its kind.
    rng : numpy.random.Generator
        For the directions that checks draw.
    dtype : str
        Type of all arrays.
    gpu : bool
        Whether they are CuPy arrays.
    counters : object, optional
        With ``reset()`` and ``read()``, which returns how often the host waited for
        the device and copied to and from it.
    """

    case: Case
    layer: Bijection | Net
    x: Value
    y: Value
    cond: object
    rng: Rng
    dtype: str
    gpu: bool
    counters: object = None

    @property
    def is_net(self) -> bool:
        """Whether the layer is a net."""
        return isinstance(self.layer, Net)

    @property
    def api(self):
        """The methods of the layer, with pairs as tuples."""
        return as_one(self.layer)

    @property
    def array_cond(self) -> Array | None:
        """The condition if it has a gradient."""
        return self.cond if self.layer.cond_kind == "array" else None

    @property
    def maps(self) -> list[Map]:
        """The map and, of a bijection, its inverse."""
        return maps_of(self.layer, self.cond)

    def bound(self, tolerance: float) -> float:
        """A tolerance with the factor of the case."""
        return tolerance * self.case.tol

    def point(self, map_: Map) -> Point:
        """Where a map is differentiated: its argument, parameters and condition."""
        x = self.y if map_.name == "inverse" else self.x
        theta = [p.data.copy() for p in self.layer.get_params()]
        return Point(x, theta, self.array_cond)

    def direction(self, point: Point, *, trainable_only: bool = False) -> Point:
        """A random direction of norm 1; zero for frozen parameters if so wanted."""
        direction = random_like(point, self.rng)
        if trainable_only:
            for d, parameter in zip(
                direction.theta, self.layer.get_params(), strict=True
            ):
                d *= float(parameter.trainable)
        size = norm(direction)
        return map_arrays(lambda d: d / size, direction)

    def fresh_layer(self) -> Bijection | Net:
        """A layer as it comes from its constructor, on the same device."""
        return _new_layer(self.case, Factory(self.dtype, gpu=self.gpu))

    def in_dtype(self, dtype: str) -> Subject:
        """The same subject in another dtype, equal up to rounding."""
        other = prepare(self.case, dtype=dtype, gpu=self.gpu)
        values = [p.data.astype(dtype) for p in self.layer.get_params()]
        other.layer.set_params(values)
        other.y = _forward(other.layer, other.x, other.cond)
        return other


def prepare(
    case: Case,
    *,
    dtype: str = "float64",
    gpu: bool = False,
    counters: object = None,
    seed: int = 0,
) -> Subject:
    """Build the layer of a case and draw what is needed to check it.

    Parameters
    ----------
    case : Case
        What to build.
    dtype : {"float64", "float32"}, default "float64"
        Type of parameters and data.
    gpu : bool, default False
        Work on CuPy arrays.
    counters : object, optional
        See ``Subject``.
    seed : int, default 0
        Of everything random; the numbers do not depend on dtype and device.
    """
    factory = Factory(dtype, gpu=gpu, seed=seed)
    layer = _new_layer(case, factory)
    rng = np.random.default_rng(seed + 1)
    x = _draw(case.shape, rng, factory)
    cond = None
    if case.cond_shape is not None:
        cond = _draw(case.cond_shape, rng, factory)
    if case.context is not None:
        cond = case.context(factory)
    as_one(layer).initialize(x, cond)
    perturb(layer, rng)
    y = _forward(layer, x, cond)
    return Subject(case, layer, x, y, cond, rng, dtype, gpu, counters)


def set_logdet(layer: Bijection, wanted: bool) -> None:
    """Switch the option ``logdet``; a reversed layer has that of the layer behind."""
    while isinstance(layer, Reverse):
        layer = layer.layer
    layer.logdet = wanted


def perturb(layer: Layer, rng: Rng) -> None:
    """Move all parameters p of a layer, at random: ``p (1 + 0.2 u) + 0.2 v``.

    u and v are uniform on (-1, 1). Meant for layers that start as the identity, where
    most errors are invisible.
    """
    for parameter in layer.get_params():
        values = to_cpu(parameter.data)
        u, v = rng.uniform(-PERTURBATION, PERTURBATION, (2, *values.shape))
        parameter.set(in_kind_of(values * (1.0 + u) + v, parameter.data))


def _new_layer(case, factory):
    layer = case.build(factory)
    if not isinstance(layer, Net):
        set_logdet(layer, True)
    return layer.to_gpu() if factory.gpu else layer


def _forward(layer, x, cond):
    out = as_one(layer).forward(x, cond)
    return out if isinstance(layer, Net) else out[0]


def _shapes(shape):
    return list(shape) if isinstance(shape[0], tuple) else [shape]


def _draw(shape, rng, factory):
    parts = [factory.array(rng.standard_normal(s)) for s in _shapes(shape)]
    return tuple(parts) if isinstance(shape[0], tuple) else parts[0]
