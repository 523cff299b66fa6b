"""What optimisers share: checks, clipping, schedule, and a memory per parameter."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .._types import Array
from ..backend import get_array_module, is_gpu, to_cpu, to_gpu
from ..errors import describe, expect, expect_real, message
from ..parameter import Parameter
from .clipping import gradient_norm, trained_parameters


@dataclass
class State:
    """What an optimiser remembers of one parameter."""

    count: int
    moments: list[Array]


class Optimizer:
    """Base of the optimisers; a subclass names its moments and writes ``_move``."""

    moment_names: tuple[str, ...] = ()

    def __init__(
        self,
        lr: float,
        schedule: Callable[[int], float] | None,
        clip_norm: float | None,
        check_finite: bool,
    ):
        where = type(self).__name__
        hint = f"Parameters are for step: {where}().step(net.get_params())."
        expect_real(where, hint, lr=lr)
        expect(lr > 0, where, "lr to be positive", repr(lr))
        if not (schedule is None or callable(schedule)):
            wanted = "schedule to be a function of the number of updates"
            raise TypeError(message(where, wanted, describe(schedule)))
        if clip_norm is not None:
            expect_real(where, clip_norm=clip_norm)
        positive = clip_norm is None or clip_norm > 0
        expect(positive, where, "clip_norm to be positive or None", repr(clip_norm))
        self.lr = lr
        self.schedule = schedule
        self.clip_norm = clip_norm
        self.check_finite = check_finite
        self._states: weakref.WeakKeyDictionary[Parameter, State]
        self._states = weakref.WeakKeyDictionary()

    def _move(self, data: Array, gradient: Array, state: State, lr: float) -> None:
        """Change ``data`` and the moments in place; this is move ``state.count``."""
        raise NotImplementedError

    def update(self, p: Parameter) -> None:
        """Move one parameter along its gradient: ``step([p])``."""
        self.step([p])

    def step(self, params: Sequence[Parameter]) -> None:
        """Move all parameters along their gradients, in place.

        Parameters without gradient and frozen ones are left alone. Gradients are
        neither changed nor cleared.

        Parameters
        ----------
        params : sequence of Parameter
            For instance ``net.get_params()``.

        Raises
        ------
        FloatingPointError
            If a gradient is not finite, or its squares overflow. Names its position
            in ``params``; no parameter was changed.
        ValueError
            If a gradient has not the shape of its parameter.
        """
        where = f"{type(self).__name__}.step"
        active = trained_parameters(params, where)
        factor = 1.0
        if self.check_finite or self.clip_norm is not None:
            norm = gradient_norm(active, where)
            if self.clip_norm is not None:
                factor = float(self.clip_norm / max(norm, self.clip_norm))
        states = [self._state(p) for p in active]
        for p, state in zip(active, states, strict=True):
            lr = float(self.lr)
            if self.schedule is not None:
                lr *= self.schedule(state.count)
            state.count += 1
            gradient = p.grad if factor == 1.0 else p.grad * factor
            self._move(p.data, gradient, state, lr)

    def _state(self, p: Parameter) -> State:
        """Memory of ``p``; new if there is none, moved if ``p`` was moved or cast."""
        state = self._states.get(p)
        if state is None:
            zeros_like = get_array_module(p.data).zeros_like
            state = State(0, [zeros_like(p.data) for _ in self.moment_names])
            self._states[p] = state
        elif state.moments and _kind(state.moments[0]) != _kind(p.data):
            state.moments = [_as_kind_of(p.data, m) for m in state.moments]
        return state

    def __deepcopy__(self, memo: dict) -> Optimizer:
        """Copy; with a network copied in the same call, its moments go along."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        memo[id(self)] = twin
        twin._states = weakref.WeakKeyDictionary()
        for p, state in self._states.items():
            twin._states[copy.deepcopy(p, memo)] = copy.deepcopy(state, memo)
        return twin

    def __getstate__(self) -> dict:
        raise TypeError(
            f"{type(self).__name__}: expected state_dict(params) to be saved, got the "
            "optimiser itself. Its memory belongs to the parameters of a network."
        )

    def state_dict(self, params: Sequence[Parameter]) -> dict[str, np.ndarray]:
        """Return ``lr``, the numbers of updates and the moments, as NumPy arrays.

        Parameters
        ----------
        params : sequence of Parameter
            Its order names the entries.

        Returns
        -------
        dict of str to array
            Copies, for ``numpy.savez(path, **state)`` or as metadata for ``save``.
        """
        states = [self._states.get(p) for p in params]
        counts = [0 if state is None else state.count for state in states]
        result = {"lr": np.array(float(self.lr)), "count": np.array(counts, "int64")}
        for i, state in enumerate(states):
            if state is not None:
                for name, moment in zip(self.moment_names, state.moments, strict=True):
                    result[f"{name}.{i}"] = to_cpu(moment).copy()
        return result

    def load_state_dict(
        self, params: Sequence[Parameter], state: Mapping[str, np.ndarray]
    ) -> None:
        """Go on from where ``state_dict`` was called, with the same numbers.

        Parameters
        ----------
        params : sequence of Parameter
            In the order given to ``state_dict``.
        state : mapping of str to array
            Made by ``state_dict`` of the same kind of optimiser.

        Raises
        ------
        ValueError
            If the state does not fit the parameters; then nothing was changed.
        """
        where = f"{type(self).__name__}.load_state_dict"
        if not isinstance(state, Mapping):
            wanted = "parameters, and a mapping made by state_dict"
            raise TypeError(message(where, wanted, describe(state)))
        state = {name: np.array(state[name]) for name in state}
        self._check_state(where, params, state)
        loaded = {}
        for i, (p, count) in enumerate(zip(params, state["count"], strict=True)):
            if count > 0:
                moments = [state[f"{name}.{i}"] for name in self.moment_names]
                moments = [_as_kind_of(p.data, moment) for moment in moments]
                loaded[p] = State(int(count), moments)
        self.lr = float(state["lr"])
        for p in params:
            self._states.pop(p, None)
        self._states.update(loaded)

    def _check_state(self, where, params, state) -> None:
        """Raise unless ``state`` has just the entries that fit ``params``."""
        counts = state.get("count", np.zeros(0))
        wanted = f"the state of {len(params)} parameters"
        expect(counts.shape == (len(params),), where, wanted, f"that of {counts.size}")
        shapes = {"lr": (), "count": counts.shape}
        for i, (p, count) in enumerate(zip(params, counts, strict=True)):
            if count > 0:
                wanted = "parameters with values, where the state has moments"
                got = f"none at position {i}"
                hint = "Load the network first."
                expect(p.initialized, where, wanted, got, hint)
                shapes |= {f"{name}.{i}": p.shape for name in self.moment_names}
        found = {name: array.shape for name, array in state.items()}
        for name in shapes | found:
            wanted = f"entry {name!r} of shape {shapes.get(name, 'none')}"
            got = f"{found.get(name, 'none')}"
            expect(found.get(name) == shapes.get(name), where, wanted, got)


def _kind(array: Array) -> tuple[type, np.dtype]:
    return type(array), array.dtype


def _as_kind_of(example: Array, array: Array) -> Array:
    """Return ``array`` on the device and in the type of ``example``."""
    move = to_gpu if is_gpu(example) else to_cpu
    return move(array).astype(example.dtype, copy=False)
