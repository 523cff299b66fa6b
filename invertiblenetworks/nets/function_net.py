"""A function of the user's as a net."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .._types import Array, Shape
from ..backend import get_array_module, is_array
from ..base import Net
from ..errors import describe, expect, message
from ..init import float_type
from ..parameter import Parameter


class FunctionNet(Net):
    """Any differentiable function, given with its vector-Jacobian product.

    The way to use code or automatic differentiation from elsewhere as a conditioner.

    Parameters
    ----------
    function : callable
        ``function(x, *params) -> y``.
    vjp : callable
        ``vjp(dy, x, *params)`` returns ``dx``, or ``(dx, *dparams)`` if there are
        parameters: the adjoint of the derivative at ``x`` applied to ``dy``.
    jvp : callable, optional
        ``jvp(dx, *dparams, x, *params) -> dy``, the derivative at ``x`` along a
        direction. Only ``jacobian`` needs it.
    output_shape : tuple of int or callable, optional
        Shape of one sample of y, without the batch axis; or a function that returns
        it from the shape of one sample of x. By default that of x.
    params : sequence of array or Parameter, optional
        What is trained. The functions receive the arrays.

    Raises
    ------
    NotImplementedError
        By ``jacobian``, if there is no ``jvp``.
    ValueError
        If a function returns an array of another shape, type or library than it
        should.

    Notes
    -----
    The functions must return new arrays, must not change their arguments, and must
    depend on nothing else: gradients and inverses evaluate them again. On the GPU
    they are given CuPy arrays.

    Examples
    --------
    A gain for each channel:

    >>> import numpy as np
    >>> from invertiblenetworks import FunctionNet
    >>> net = FunctionNet(
    ...     lambda x, gain: gain * x,
    ...     lambda dy, x, gain: (gain * dy, (x * dy).sum(axis=0)),
    ...     lambda dx, dgain, x, gain: gain * dx + dgain * x,
    ...     params=[np.array([2.0, 3.0])],
    ... )
    >>> net.forward(np.ones((1, 2)))
    array([[2., 3.]])
    >>> net.backward(np.ones((1, 2)), np.ones((1, 2)))
    array([[2., 3.]])
    >>> net.get_grads()
    [array([1., 1.])]
    """

    def __init__(
        self,
        function: Callable[..., Array],
        vjp: Callable[..., Array | tuple[Array, ...]],
        jvp: Callable[..., Array] | None = None,
        *,
        output_shape: Shape | Callable[[Shape], Shape] | None = None,
        params: Sequence[Array | Parameter] = (),
    ):
        for name, given in (("function", function), ("vjp", vjp), ("jvp", jvp)):
            if not callable(given) and not (given is None and name == "jvp"):
                wanted = f"{name} to be callable"
                raise TypeError(message("FunctionNet", wanted, describe(given)))
        self.function, self.vjp, self.jvp = function, vjp, jvp
        self.output_shape = output_shape
        self.params = [_parameter(entry) for entry in params]

    def _arguments(self, x):
        return (x, *(parameter.data for parameter in self.params))

    def _forward(self, x, cond):
        y = self.function(*self._arguments(x))
        return _checked("function", y, self._check_shape(x.shape, None), x)

    def _linearize(self, x, cond):
        def pull(dy, add_grad):
            dx, *dparams = self._cotangents(dy, x)
            for parameter, cotangent in zip(self.params, dparams, strict=True):
                add_grad(parameter, cotangent)
            return dx, None

        return self._forward(x, None), pull

    def _cotangents(self, dy, x):
        """Return those of x and of each parameter."""
        arguments = self._arguments(x)
        result = self.vjp(dy, *arguments)
        if not self.params:
            result = (result,)
        is_tuple = isinstance(result, tuple | list)
        got = f"{len(result)} of them" if is_tuple else describe(result)
        wanted = f"vjp to return a tuple of {len(arguments)} cotangents"
        expect(is_tuple and len(result) == len(arguments), "FunctionNet", wanted, got)
        for cotangent, argument in zip(result, arguments, strict=True):
            _checked("vjp", cotangent, argument.shape, x)
        return result

    def _jvp(self, dx, dcond, tangent, x, cond):
        if self.jvp is None:
            hint = "Give jvp when building the net."
            text = message("FunctionNet.jacobian", "a net with jvp", "none", hint)
            raise NotImplementedError(text)
        y, dtheta = self._forward(x, None), map(tangent, self.params)
        dy = self.jvp(dx, *dtheta, *self._arguments(x))
        return _checked("jvp", dy, y.shape, x), y

    def _check_shape(self, shape, cond_shape):
        if self.output_shape is None:
            return shape
        sample = self.output_shape
        return (shape[0], *(sample(shape[1:]) if callable(sample) else sample))


def _parameter(entry: Array | Parameter) -> Parameter:
    if not isinstance(entry, Parameter):
        if not is_array(entry):
            wanted = "params to hold arrays or Parameters"
            raise TypeError(message("FunctionNet", wanted, describe(entry)))
        entry = Parameter(entry)
    float_type(entry.dtype, "FunctionNet")
    return entry


def _checked(name: str, result: Array, shape: Shape, x: Array) -> Array:
    """Return a result of the user's function, if it is what it should be."""
    xp = get_array_module(x)
    fits = (
        is_array(result)
        and get_array_module(result) is xp
        and (result.shape, result.dtype) == (shape, x.dtype)
    )
    wanted = f"{name} to return {x.dtype} {xp.__name__} arrays, here of shape {shape}"
    expect(fits, "FunctionNet", wanted, result)
    return result
