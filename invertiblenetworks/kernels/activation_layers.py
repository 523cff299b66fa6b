"""Activation functions as immutable values that nets and layers take as an option."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._types import Array
from ..backend import get_array_module
from ..errors import describe, expect, expect_in, message
from . import activations
from .activation_base import Activation, CompiledAs, lacks


@dataclass(frozen=True)
class IdentityLayer(Activation):
    """No activation: ``y = x``. `forward` and `inverse` return the array itself."""

    cuda_value, cuda_derivative = "x", "T(1)"
    compiled_as = CompiledAs("two_slopes", 1.0)

    def forward(self, x: Array) -> Array:
        return x

    def inverse(self, y: Array) -> Array:
        return y

    def derivative(self, y: Array) -> Array:
        return get_array_module(y).ones_like(y)

    def vjp(self, dy: Array, y: Array) -> Array:
        return dy

    def forward_in_place(self, x: Array) -> Array:
        return x

    def vjp_in_place(self, dy: Array, y: Array) -> Array:
        return dy


@dataclass(frozen=True)
class ReLUlayer(Activation):
    """Rectified linear unit: ``y = max(x, 0)``; not invertible.

    Notes
    -----
    The derivative at 0 is 0; the original takes 1.
    """

    cuda_value, cuda_derivative = "x < 0 ? T(0) : x", "T(y > 0)"
    compiled_as = CompiledAs("two_slopes", 0.0)

    def forward(self, x: Array) -> Array:
        return activations.relu(x)

    def derivative(self, y: Array) -> Array:
        return (y > 0).astype(y.dtype)

    def vjp(self, dy: Array, y: Array) -> Array:
        return activations.relu_grad(dy, y)

    def forward_in_place(self, x: Array) -> Array:
        return activations.relu(x, out=x)

    def vjp_in_place(self, dy: Array, y: Array) -> Array:
        return activations.relu_grad(dy, y, out=dy)


@dataclass(frozen=True)
class LeakyReLUlayer(Activation):
    """Leaky rectified linear unit: ``y = x`` if ``x >= 0``, else ``slope x``.

    Parameters
    ----------
    slope : float, default 0.01
        Greater than 0, which makes the function invertible.
    """

    slope: float = 0.01
    cuda_value = "x < 0 ? slope * x : x"
    cuda_derivative = "y < 0 ? slope : T(y >= 0)"

    def __post_init__(self):
        super().__post_init__()
        expect(self.slope > 0, "LeakyReLUlayer", "slope > 0", f"{self.slope}")

    @property
    def compiled_as(self) -> CompiledAs:
        return CompiledAs("two_slopes", self.slope)

    def forward(self, x: Array) -> Array:
        return activations.leaky_relu(x, self.slope)

    def inverse(self, y: Array) -> Array:
        return activations.leaky_relu_inv(y, self.slope)

    def derivative(self, y: Array) -> Array:
        return activations.leaky_relu_derivative(y, self.slope)

    def forward_in_place(self, x: Array) -> Array:
        return activations.leaky_relu(x, self.slope, out=x)

    def vjp_in_place(self, dy: Array, y: Array) -> Array:
        return activations.leaky_relu_grad(dy, y, self.slope, out=dy)


@dataclass(frozen=True)
class SigmoidLayer(Activation):
    """Logistic function scaled to the open range (low, high).

    Parameters
    ----------
    low, high : float, default 0 and 1
        Ends of the range, ``low < high``.
    """

    low: float = 0.0
    high: float = 1.0
    cuda_scale = """
        const T decay = exp(-fabs(x)), sum = 1 + decay;
        const T share = (x < 0 ? decay : T(1)) / sum;
        const T rest = (x < 0 ? T(1) : decay) / sum;
        value = low + (high - low) * share;
        if (low > 0) {
            log_value = log(value);
            log_derivative = (high - low) * share * rest / value;
        } else {
            log_value = log(high) + (x < 0 ? x : T(0)) - log1p(decay);
            log_derivative = rest;
        }
    """
    cuda_value = "low + (high - low) * (x < 0 ? exp(x) : T(1)) / (1 + exp(-fabs(x)))"
    cuda_derivative = "(y - low) * (high - y) / (high - low)"

    def __post_init__(self):
        super().__post_init__()
        got = f"low = {self.low} and high = {self.high}"
        expect(self.low < self.high, type(self).__name__, "low < high", got)

    @property
    def positive(self) -> bool:
        return self.low >= 0

    @property
    def compiled_as(self) -> CompiledAs:
        return CompiledAs("logistic", self.low, self.high)

    def forward(self, x: Array) -> Array:
        return activations.sigmoid(x, self.low, self.high)

    def inverse(self, y: Array) -> Array:
        return activations.sigmoid_inv(y, self.low, self.high)

    def derivative(self, y: Array) -> Array:
        return activations.sigmoid_grad(1.0, y, self.low, self.high)

    def scale(self, x: Array) -> tuple[Array, Array]:
        if self.low > 0:
            return super().scale(x)
        return self.forward(x), activations.sigmoid_log(x, self.high)

    def log_derivative(self, x: Array, y: Array) -> Array:
        if self.low > 0:
            return super().log_derivative(x, y)
        return 1 - y / self.high


@dataclass(frozen=True)
class Sigmoid2Layer(SigmoidLayer):
    """Twice the logistic function: a scale that is 1 at 0."""

    low: float = field(default=0.0, init=False, repr=False)
    high: float = field(default=2.0, init=False, repr=False)


@dataclass(frozen=True)
class ExpClampLayer(Activation):
    """Soft-clamped exponential: ``y = exp(0.636 clamp arctan(x))``.

    Parameters
    ----------
    clamp : float, default 2
        Greater than 0; ``|log y|`` stays below 0.999 clamp.
    """

    clamp: float = 2.0
    positive = True
    cuda_scale = f"""
        const T factor = T({activations.CLAMP_FACTOR}) * clamp;
        log_value = factor * atan(x);
        value = exp(log_value);
        log_derivative = factor / (1 + x * x);
    """

    def __post_init__(self):
        super().__post_init__()
        expect(self.clamp > 0, "ExpClampLayer", "clamp > 0", f"{self.clamp}")

    @property
    def compiled_as(self) -> CompiledAs:
        return CompiledAs("exp_arctan", activations.CLAMP_FACTOR * self.clamp)

    def forward(self, x: Array) -> Array:
        return activations.exp_clamp(x, self.clamp)

    def inverse(self, y: Array) -> Array:
        return activations.exp_clamp_inv(y, self.clamp)

    def derivative(self, y: Array) -> Array:
        return activations.exp_clamp_grad(1.0, y, self.clamp)

    def scale(self, x: Array) -> tuple[Array, Array]:
        log_y = activations.exp_clamp_log(x, self.clamp)
        return get_array_module(x).exp(log_y), log_y

    def log_derivative(self, x: Array, y: Array) -> Array:
        return activations.exp_clamp_log_derivative(x, self.clamp)


@dataclass(frozen=True)
class TanhLayer(Activation):
    """Hyperbolic tangent."""

    cuda_value, cuda_derivative = "tanh(x)", "(1 - y) * (1 + y)"
    compiled_as = CompiledAs("tanh")

    def forward(self, x: Array) -> Array:
        return get_array_module(x).tanh(x)

    def inverse(self, y: Array) -> Array:
        return activations.tanh_inv(y)

    def derivative(self, y: Array) -> Array:
        return activations.tanh_grad(1.0, y)


@dataclass(frozen=True)
class SoftplusLayer(Activation):
    """Smooth, positive ramp: ``y = log(1 + exp(x))``."""

    positive = True
    cuda_scale = f"""
        value = (x > 0 ? x : T(0)) + log1p(exp(-fabs(x)));
        log_value = x < -{activations.FAR} ? x : log(value);
        log_derivative = x < -{activations.FAR} ? T(1) : -expm1(-value) / value;
    """
    compiled_as = CompiledAs("softplus")

    def forward(self, x: Array) -> Array:
        return activations.softplus(x)

    def inverse(self, y: Array) -> Array:
        return activations.softplus_inv(y)

    def derivative(self, y: Array) -> Array:
        return activations.softplus_grad(1.0, y)

    def scale(self, x: Array) -> tuple[Array, Array]:
        y = self.forward(x)
        return y, activations.softplus_log(x, y)

    def log_derivative(self, x: Array, y: Array) -> Array:
        return activations.softplus_log_derivative(y)


@dataclass(frozen=True)
class GaLUlayer(Activation):
    """Gated linear unit: ``y = x1 * sigmoid(x2)`` of the two halves of the channels.

    Notes
    -----
    Not elementwise: it has no `derivative`, and `vjp` and `jvp` take its *input*.
    """

    halves_channels = True

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Return the gated half of ``x``, written to ``out`` if that is given."""
        return activations.galu(x, out)

    def derivative(self, y: Array) -> Array:
        raise lacks(self, "derivative", "an elementwise activation")

    def vjp(self, dy: Array, x: Array, out: Array | None = None) -> Array:
        """Return the cotangent of the input ``x``, in ``out`` if that is given."""
        return activations.galu_grad(dy, x, out)

    def jvp(self, dx: Array, x: Array) -> Array:
        """Return the tangent of the output for the tangent ``dx`` of the input."""
        return activations.galu_jacobian(dx, x)[0]


_BY_NAME = {
    "relu": ReLUlayer(),
    "leaky_relu": LeakyReLUlayer(),
    "sigmoid": SigmoidLayer(),
    "sigmoid2": Sigmoid2Layer(),
    "exp_clamp": ExpClampLayer(),
    "tanh": TanhLayer(),
    "softplus": SoftplusLayer(),
    "identity": IdentityLayer(),
    "galu": GaLUlayer(),
}


def activation_by_name(
    activation: str | Activation, where: str = "activation_by_name"
) -> Activation:
    """Return the activation of that name; an `Activation` is returned as it is.

    ``where`` is what a message begins with.

    Raises
    ------
    TypeError
        If the argument is neither a string nor an `Activation`.
    ValueError
        If no activation has that name.

    Examples
    --------
    >>> activation_by_name("leaky_relu")
    LeakyReLUlayer(slope=0.01)
    """
    if isinstance(activation, Activation):
        return activation
    if not isinstance(activation, str):
        expected = "an Activation or its name"
        got = describe(activation)
        hint = "Pass an instance such as ReLUlayer() or a name such as 'relu'."
        raise TypeError(message(where, expected, got, hint))
    expect_in(where, tuple(_BY_NAME), activation=activation)
    return _BY_NAME[activation]


def elementwise_activation(activation: str | Activation, where: str) -> Activation:
    """Return an activation that keeps the number of channels, or raise."""
    activation = activation_by_name(activation, where)
    wanted = "an activation that keeps the channels"
    expect(not activation.halves_channels, where, wanted, repr(activation))
    return activation
