"""What every activation function promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, NamedTuple

from .._types import Array
from ..backend import get_array_module
from ..errors import message

SHORTER_WAYS = (
    "forward_in_place",
    "vjp_in_place",
    "scale",
    "log_derivative",
    "cuda_scale",
    "cuda_value",
    "cuda_derivative",
)
"""What follows from the value and the derivative, and may be written out."""


KINDS = ("two_slopes", "tanh", "logistic", "softplus", "exp_arctan")
"""Of functions that compiled kernels know, numbered as in ``kernels.c``."""


class CompiledAs(NamedTuple):
    """What compiled kernels know a function as.

    ================  =============  ====================================
    kind              first, second  value
    ================  =============  ====================================
    ``"two_slopes"``  slope          ``x`` for ``x >= 0``, else ``slope x``
    ``"tanh"``                       ``tanh(x)``
    ``"logistic"``    low, high      ``low + (high - low) / (1 + exp(-x))``
    ``"softplus"``                   ``log(1 + exp(x))``
    ``"exp_arctan"``  factor         ``exp(factor arctan(x))``
    ================  =============  ====================================
    """

    kind: str
    first: float = 0.0
    second: float = 0.0

    @property
    def words(self) -> tuple[int, float, float]:
        """The kind as a number, and the numbers."""
        return KINDS.index(self.kind), self.first, self.second


@dataclass(frozen=True)
class Activation(ABC):
    """An activation function without state.

    Two are equal if they are of one class and have equal options. Options are Python
    floats, so that they never change the dtype of an array.

    Attributes
    ----------
    positive : bool
        The function is greater than 0 everywhere: it may serve as a scale. (Values of
        a logistic or softplus still round to 0 far below zero.)
    halves_channels : bool
        The output has half as many channels as the input.
    cuda_value, cuda_derivative : str or None
        C++ expressions for `forward`, of ``x``, and for `derivative`, of ``y``, with
        the options, all of type ``T``. Both or neither; ``None``: array code serves.
    compiled_as : tuple or None
        What compiled kernels know the function as, if it is one of theirs.
    cuda_scale : str or None
        C++ statements that do on a GPU what `scale` and `log_derivative` do: they set
        ``value``, ``log_value`` and ``log_derivative`` from ``x`` and the options, all
        of type ``T``. ``None``: array code serves.

    Notes
    -----
    A new activation needs `forward` and `derivative`. The methods that write in place,
    `scale` and `log_derivative` follow from these; an activation that can do them in
    fewer steps overrides them. A class that changes `forward`, `derivative` or `vjp`
    loses the shorter ways of its base class, unless it writes its own; one that writes
    any of these loses `compiled_as`.
    """

    positive = False
    halves_channels = False
    cuda_scale = None
    cuda_value = cuda_derivative = None
    compiled_as: ClassVar[CompiledAs | None] = None

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        kinds = cls.__mro__

        def place(name):
            """How near the class is that a name comes from."""
            return next(i for i, kind in enumerate(kinds) if name in vars(kind))

        if place("vjp") > min(place("forward"), place("derivative")):
            cls.vjp = Activation.vjp
        of_function = min(map(place, ("forward", "derivative", "vjp")))
        if place("compiled_as") > min(of_function, *map(place, SHORTER_WAYS)):
            cls.compiled_as = None  # That stands for all of the function.
        for name in SHORTER_WAYS:
            if place(name) > of_function:
                setattr(cls, name, getattr(Activation, name))

    def __post_init__(self):
        for name, value in self.options().items():
            object.__setattr__(self, name, float(value))

    def options(self) -> dict[str, float]:
        """Return the values of the options by name."""
        return {option.name: getattr(self, option.name) for option in fields(self)}

    @abstractmethod
    def forward(self, x: Array) -> Array:
        """Return the activation of ``x``."""

    @abstractmethod
    def derivative(self, y: Array) -> Array:
        """Return the derivative, elementwise, at the input whose *output* is ``y``.

        From the output, so that a net need not keep its pre-activations.
        """

    def inverse(self, y: Array) -> Array:
        """Return the ``x`` whose activation is ``y``.

        Raises
        ------
        NotImplementedError
            If the activation cannot be inverted.
        ValueError
            If ``y`` is a NumPy array with an element out of range.
        """
        raise lacks(self, "inverse", "an invertible activation")

    def vjp(self, dy: Array, y: Array) -> Array:
        """Return the cotangent of the input; ``y`` is the output.

        An elementwise function has a diagonal Jacobian, so this maps tangents too.
        """
        return dy * self.derivative(y)

    def forward_in_place(self, x: Array) -> Array:
        """Overwrite ``x`` with its activation and return it."""
        self._expect_elementwise("forward_in_place")
        x[...] = self.forward(x)
        return x

    def vjp_in_place(self, dy: Array, y: Array) -> Array:
        """Overwrite ``dy`` with the cotangent of the input and return it.

        The output ``y`` is kept.
        """
        self._expect_elementwise("vjp_in_place")
        dy[...] = self.vjp(dy, y)
        return dy

    def scale(self, x: Array) -> tuple[Array, Array]:
        """Return the activation of ``x`` and its logarithm, for a positive activation.

        Two new arrays.
        """
        y = self.forward(x)
        return y, get_array_module(y).log(y)

    def log_derivative(self, x: Array, y: Array) -> Array:
        """Return the derivative of the logarithm of a positive activation.

        A new array; ``x`` is the input and ``y`` the output.
        """
        return self.derivative(y) / y

    def _expect_elementwise(self, method: str) -> None:
        if self.halves_channels:
            raise lacks(self, method, "an activation that keeps the channels")


def lacks(activation: Activation, method: str, expected: str) -> NotImplementedError:
    """Say that an activation has no such method."""
    where = f"{type(activation).__name__}.{method}"
    return NotImplementedError(message(where, expected, repr(activation)))


def is_one_of(kinds: Sequence[str], activation: Activation) -> bool:
    """Say whether compiled kernels know an activation as one of these kinds."""
    return activation.compiled_as is not None and activation.compiled_as.kind in kinds
