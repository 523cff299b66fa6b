"""Optimisers: how parameters are moved along their gradients."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ._types import Array
from .backend import get_array_module, is_gpu, to_cpu, to_gpu
from .errors import expect, message
from .parameter import Parameter

__all__ = ["ADAM", "SGD", "clip_grad_norm", "cosine_decay", "exponential_decay"]


@dataclass
class _State:
    """What an optimiser remembers of one parameter."""

    count: int
    moments: list[Array]


class _Optimizer:
    """What optimisers share: checks, clipping, schedule, and moments per parameter.

    A subclass names its moments, which start at zero, and writes ``_move``.
    """

    _moment_names: tuple[str, ...] = ()

    def __init__(self, lr, schedule, clip_norm, check_finite):
        where = type(self).__name__
        expect(lr > 0, where, "lr to be positive", repr(lr))
        positive = clip_norm is None or clip_norm > 0
        expect(positive, where, "clip_norm to be positive or None", repr(clip_norm))
        self.lr = lr
        self.schedule = schedule
        self.clip_norm = clip_norm
        self.check_finite = check_finite
        self._states = weakref.WeakKeyDictionary()

    def _move(self, data: Array, gradient: Array, state: _State, lr: float) -> None:
        """Change ``data`` and the moments in place; ``state.count`` starts at 1."""
        raise NotImplementedError

    def update(self, p: Parameter) -> None:
        """Move one parameter: ``step([p])``."""
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
            in ``params``; nothing was changed.
        ValueError
            If a gradient has not the shape of its parameter; nothing was changed.
        """
        where = f"{type(self).__name__}.step"
        active = _with_gradients(params, where)
        factor = 1.0
        if active and (self.check_finite or self.clip_norm is not None):
            total = _gradient_norm(active, where)
            if self.clip_norm is not None:
                factor = self.clip_norm / max(total, self.clip_norm)
        states = [self._state(p) for p in active.values()]
        for p, state in zip(active.values(), states, strict=True):
            lr = float(self.lr)
            if self.schedule is not None:
                lr *= self.schedule(state.count)
            state.count += 1
            gradient = p.grad if factor == 1.0 else p.grad * factor
            self._move(p.data, gradient, state, lr)

    def _state(self, p: Parameter) -> _State:
        """State of ``p``, on its device and of its type; new if there is none."""
        state = self._states.get(p)
        if state is None:
            zeros = get_array_module(p.data).zeros_like
            state = _State(0, [zeros(p.data) for _ in self._moment_names])
            self._states[p] = state
        elif any(type(m) is not type(p.data) for m in state.moments) or any(
            m.dtype != p.data.dtype for m in state.moments
        ):
            state.moments = [_moved(m, p.data) for m in state.moments]
        return state

    def state_dict(self, params: Sequence[Parameter]) -> dict[str, np.ndarray]:
        """Return ``lr``, the counts of updates and the moments, as NumPy arrays.

        Parameters
        ----------
        params : sequence of Parameter
            The order by which the entries are known.

        Returns
        -------
        dict of str to array
            For ``numpy.savez(path, **state)``, or as metadata for ``save``. What it
            holds is copied.
        """
        states = [self._states.get(p) for p in params]
        counts = [0 if state is None else state.count for state in states]
        result = {"lr": np.array(float(self.lr)), "count": np.array(counts, "int64")}
        for i, state in enumerate(states):
            if state is not None:
                for name, moment in zip(self._moment_names, state.moments, strict=True):
                    result[f"{name}.{i}"] = to_cpu(moment).copy()
        return result

    def load_state_dict(
        self, params: Sequence[Parameter], state: Mapping[str, np.ndarray]
    ) -> None:
        """Go on where ``state_dict`` was called, bit by bit.

        Parameters
        ----------
        params : sequence of Parameter
            In the order given to ``state_dict``.
        state : mapping
            A result of ``state_dict``, or what ``numpy.load`` made of it.

        Raises
        ------
        ValueError
            If the state does not fit the parameters; nothing was changed.
        """
        where = f"{type(self).__name__}.load_state_dict"
        known = {"lr", "count"} <= set(state)
        expect(known, where, "a result of state_dict", f"entries {sorted(state)}")
        counts = state["count"]
        wanted = f"the state of {len(params)} parameters"
        expect(counts.shape == (len(params),), where, wanted, f"{counts.size}")
        loaded = {}
        for i, (p, count) in enumerate(zip(params, counts.tolist(), strict=True)):
            if count > 0:
                loaded[p] = _State(count, self._read_moments(where, state, i, p))
        self.lr = float(state["lr"])
        for p in params:
            self._states.pop(p, None)
        self._states.update(loaded)

    def _read_moments(self, where, state, i, p) -> list[Array]:
        moments = []
        for name in self._moment_names:
            key = f"{name}.{i}"
            expect(key in state, where, f"an entry {key!r}", "none")
            array = state[key]
            wanted = f"{key} of shape {p.shape}"
            expect(array.shape == p.shape and p.initialized, where, wanted, array)
            moments.append(_moved(array.copy(), p.data))
        return moments
