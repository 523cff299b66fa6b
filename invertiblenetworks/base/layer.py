"""``Layer``: an object that owns parameters, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import ModuleType
from typing import NoReturn

import numpy as np

from .._types import Array
from ..backend import get_array_module, to_cpu, to_gpu
from ..errors import LayerError, NotInitializedError, describe, message
from ..init import float_type
from ..kernels.workspace import keeping_gradients
from ..parameter import Parameter, check_list

FLOATS = (np.dtype("float32"), np.dtype("float64"))


class Layer:
    """Base of everything with parameters.

    Parameters and sub-layers are found among the attributes (also inside lists and
    tuples), in the order in which they were defined. A parameter that is reached
    twice is listed once, so shared weights are one parameter.
    """

    # --- parameters -----------------------------------------------------------------

    def named_params(self) -> dict[str, Parameter]:
        """Parameters by path, for instance ``{"layers.0.scale": Parameter(...)}``."""
        found: dict[str, Parameter] = {}
        seen: set[int] = set()
        for name, parameter in _walk(self, ""):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                found[name] = parameter
        return found

    def get_params(self) -> list[Parameter]:
        """Parameters in definition order, depth first, each once."""
        return list(dict.fromkeys(_all_parameters(self)))

    def set_params(self, values: Sequence[Array]) -> None:
        """Copy ``values``, aligned with ``get_params()``, into the parameters.

        Raises
        ------
        ValueError, TypeError
            If the list does not fit; then no parameter was changed.
        """
        params = self.get_params()
        where = f"{type(self).__name__}.set_params"
        if not isinstance(values, list | tuple):
            raise TypeError(message(where, "values to be a list", describe(values)))
        values = [v.data if isinstance(v, Parameter) else v for v in values]
        check_list(values, params, where, "values")
        # Copied first: the values may be those of the parameters, in another order.
        for parameter, value in zip(params, [v.copy() for v in values], strict=True):
            parameter.set(value)

    def get_grads(self) -> list[Array | None]:
        """Gradients aligned with ``get_params()``; ``None`` where there is none."""
        return [p.grad for p in self.get_params()]

    def clear_grad(self) -> None:
        """Forget all gradients.

        With compiled kernels the memory of large ones waits for those of the next step,
        unless somebody holds them; `release_workspaces` lets go of it.
        """
        with keeping_gradients():
            for parameter in _all_parameters(self):
                parameter.clear_grad()

    def freeze(self, frozen: bool = True) -> Layer:
        """Stop (or, with ``False``, resume) the training of all parameters."""
        for parameter in self.get_params():
            parameter.trainable = not frozen
        return self

    @property
    def initialized(self) -> bool:
        """True when every parameter has values."""
        return all(p.data is not None for p in _all_parameters(self))

    @property
    def dtype(self) -> np.dtype | None:
        """Type of the parameters; ``None`` for a layer without any."""
        return next((p.dtype for p in self.get_params()), None)

    # --- conversion, always explicit ------------------------------------------------

    def to_gpu(self) -> Layer:
        """Move all parameters to the GPU, in place. Returns the layer."""
        return self._convert(to_gpu)

    def to_cpu(self) -> Layer:
        """Move all parameters to the CPU, in place. Returns the layer."""
        return self._convert(to_cpu)

    def astype(self, dtype: object) -> Layer:
        """Cast all parameters to float32 or float64, in place. Returns the layer."""
        dtype = float_type(dtype, f"{type(self).__name__}.astype")
        return self._convert(lambda a: a.astype(dtype, copy=False))

    def _convert(self, function: Callable[[Array], Array]) -> Layer:
        for parameter in self.get_params():
            parameter.convert(function)
        return self

    # --- checks ---------------------------------------------------------------------

    def _check_arrays(self, method: str, **arrays: object) -> bool:
        """Raise unless arrays (``None`` and pairs allowed) fit the parameters.

        Whether they are arrays was asked before. Returns whether all parameters have
        values.
        """
        where = f"{type(self).__name__}.{method}"
        parameters = _all_parameters(self)
        wanted_type, wanted_module = self._expected_kind(parameters)
        for name, value in arrays.items():
            for array in value if isinstance(value, tuple) else (value,):
                if array is None:
                    continue
                wanted_type = wanted_type or array.dtype
                wanted_module = wanted_module or get_array_module(array)
                fits = (
                    array.dtype == wanted_type
                    and wanted_type in FLOATS
                    and get_array_module(array) is wanted_module
                )
                if not fits:
                    raise _kind_error(where, name, array, wanted_type, wanted_module)
        return all(p.data is not None for p in parameters)

    def _expected_kind(
        self, parameters: list[Parameter] | None = None
    ) -> tuple[np.dtype | None, ModuleType | None]:
        """Type and library of the parameters, which must have one of each.

        Who has a list of all of them hands it in, since to find them takes time.
        """
        parameters = _all_parameters(self) if parameters is None else parameters
        values = [p.data for p in parameters]
        if len(set(map(type, values))) == 1 and values[0] is not None:
            if len({data.dtype for data in values}) == 1:
                # The usual case. What follows finds words for all others.
                return values[0].dtype, get_array_module(values[0])
        first = None
        for name, parameter in _walk(self, ""):
            kind = (parameter.dtype, parameter.array_module)
            first = first or kind
            if kind != first:
                wanted = f"parameters of one kind, {first[0]} {first[1].__name__}"
                got = f"{kind[0]} {kind[1].__name__} for {name}"
                hint = "Use astype, to_gpu or to_cpu on the whole."
                raise TypeError(message(type(self).__name__, wanted, got, hint))
        return first or (None, None)

    def _require_initialized(self, method: str) -> None:
        """Raise ``NotInitializedError`` unless every parameter has values."""
        if self.initialized:
            return
        for name, parameter in _walk(self, ""):
            if not parameter.initialized:
                raise NotInitializedError(
                    message(
                        f"{type(self).__name__}.{method}",
                        "an initialised layer",
                        f"no values yet for {name}",
                        "Call forward, inverse or initialize with a batch first.",
                    )
                )

    def _expect(
        self,
        condition: bool,
        expected: str,
        got: object,
        hint: str = "",
        *,
        kind: type[Exception] = ValueError,
        own_hint: str = "",
    ):
        """For use in checks: `_refuse` unless the condition is true."""
        if not condition:
            self._refuse(expected, got, hint, kind=kind, own_hint=own_hint)

    def _refuse(
        self,
        expected: str,
        got: object,
        hint: str = "",
        *,
        kind: type[Exception] = ValueError,
        own_hint: str = "",
    ) -> NoReturn:
        """For use in checks: raise what the public method turns into a message.

        Checks of small layers, which are made in each step, find words only here.

        ``own_hint`` is for users who built this layer themselves; it is left out where
        the layer is part of another.
        """
        got = got if isinstance(got, str) else describe(got)
        text = message("", expected, got, hint)[2:]
        raise LayerError(self, text, kind, own_hint)

    def _expect_channels(self, n_channels, shape, own_hint=""):
        """For use in checks: raise unless ``shape`` has so many channels."""
        if shape[1] != n_channels:
            found = f"an array of shape {shape}"
            self._refuse(f"{n_channels} channels on axis 1", found, own_hint=own_hint)

    def _expect_array(self, shape):
        """For use in checks: raise if ``shape`` is that of several arrays."""
        if isinstance(shape[0], tuple):
            self._refuse("one array", f"shapes {shape}")

    def _expect_pair(self, shape):
        """For use in checks: raise unless ``shape`` is that of two arrays."""
        is_pair = isinstance(shape[0], tuple) and len(shape) == 2
        self._expect(is_pair, "a tuple of two arrays", f"shape {shape}")

    def __repr__(self) -> str:
        size = sum(p.size for p in self.get_params())
        return f"<{type(self).__name__} with {size} parameters>"


def _kind_error(where, name, array, dtype, module) -> TypeError:
    if array.dtype != dtype or dtype not in FLOATS:
        wanted = str(dtype) if dtype in FLOATS else "float32 or float64"
        hint = "Nothing is converted silently: use array.astype or layer.astype."
    else:
        wanted = f"{module.__name__} arrays, like the parameters"
        hint = "Move one of them with to_gpu or to_cpu."
    return TypeError(message(where, f"{name} to be {wanted}", describe(array), hint))


def _walk(value: object, path: str) -> Iterator[tuple[str, Parameter]]:
    """Yield (path, parameter) for everything reachable from ``value``."""
    role = _ROLES[type(value)]
    if role == "parameter":
        yield path, value
    elif role is not None:
        if role == "sequence":
            children = enumerate(value)
        else:
            children = (value if role == "dict" else vars(value)).items()
        for name, child in children:
            # Looked at here: a generator for each number would take most of the time.
            if _ROLES[type(child)] is not None:
                yield from _walk(child, f"{path}.{name}" if path else str(name))


def _all_parameters(layer: Layer) -> list[Parameter]:
    """What `_walk` yields, without the paths, which take most of its time."""
    found: list[Parameter] = []
    _collect(vars(layer).values(), found)
    return found


def _collect(values: Iterable[object], found: list[Parameter]) -> None:
    for value in list(values):
        role = _ROLES[type(value)]
        if role is None:
            continue
        if role == "parameter":
            found.append(value)
        elif role == "layer":
            _collect(value.__dict__.values(), found)
        else:
            _collect(value if role == "sequence" else value.values(), found)


class _Roles(dict[type, str | None]):
    """What objects of a type are to a walk; most attributes hold nothing.

    A dictionary, since a look in it is sooner done than a call. Programs that make
    types as they go do not fill it.
    """

    MOST = 1000

    def __missing__(self, kind: type) -> str | None:
        bases = {"parameter": Parameter, "layer": Layer, "dict": dict}
        bases["sequence"] = list | tuple
        found = (role for role, base in bases.items() if issubclass(kind, base))
        role = next(found, None)
        if len(self) < self.MOST:
            self[kind] = role
        return role


_ROLES = _Roles()
