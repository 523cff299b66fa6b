"""Every public mode of a layer, called with one set of arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial

from .._types import Array
from .cases import Subject
from .numeric import Value, arrays_in, map_arrays, random_like


@dataclass(frozen=True)
class Arguments:
    """Arguments for all modes: states, directions and cotangents."""

    x: Value
    y: Value
    cond: object
    dx: Value
    dy: Value
    dtheta: list[Array]
    dcond: Array | None

    @classmethod
    def draw(cls, subject: Subject) -> Arguments:
        """Take the states of a subject and draw the rest."""
        x, y, rng = subject.x, subject.y, subject.rng
        dx, dy = random_like(x, rng), random_like(y, rng)
        dtheta = random_like([p.data for p in subject.layer.get_params()], rng)
        dcond = random_like(subject.array_cond, rng)
        return cls(x, y, subject.cond, dx, dy, dtheta, dcond)

    def map(self, function: Callable[[Array], Array]) -> Arguments:
        """Apply ``function`` to all arrays; a context stays as it is."""
        changed = {f.name: getattr(self, f.name) for f in fields(self)}
        if self.dcond is None:
            del changed["cond"]
        return replace(
            self, **{name: map_arrays(function, v) for name, v in changed.items()}
        )


BIJECTION_MODES = {
    "forward": ("x", "cond"),
    "inverse": ("y", "cond"),
    "backward": ("dy", "y", "cond"),
    "backward_inv": ("dx", "x", "cond"),
    "jacobian": ("dx", "dtheta", "x", "cond", "dcond"),
    "jacobian_inv": ("dy", "dtheta", "y", "cond", "dcond"),
    "adjoint_jacobian": ("dy", "y", "cond"),
    "adjoint_jacobian_inv": ("dx", "x", "cond"),
    "log_abs_det": ("x", "cond"),
    "log_prob": ("x", "cond"),
}
NET_MODES = {
    "forward": ("x", "cond"),
    "backward": ("dy", "x", "cond"),
    "jacobian": ("dx", "dtheta", "x", "cond", "dcond"),
    "adjoint_jacobian": ("dy", "x", "cond"),
}


def signatures_of(subject: Subject) -> dict[str, tuple[str, ...]]:
    """Return the public modes by name, with the names of their ``Arguments``."""
    return NET_MODES if subject.is_net else BIJECTION_MODES


def modes_of(subject: Subject) -> dict[str, Callable[[Arguments], Value]]:
    """Return the public modes by name, as functions of ``Arguments``."""
    return {
        name: partial(_call, getattr(subject.api, name), names)
        for name, names in signatures_of(subject).items()
    }


def arrays_taken(subject: Subject, mode: str, arguments: Arguments) -> list[str]:
    """Return the names of the arguments of a mode that hold arrays of the layer.

    A context is no array of the layer, whatever it holds.
    """
    return [
        name
        for name in signatures_of(subject)[mode]
        if arrays_in(getattr(arguments, name))
        and (name != "cond" or subject.array_cond is not None)
    ]


def mixes_nothing(subject: Subject, taken: list[str]) -> bool:
    """True if a single array without parameters can be of any dtype and library."""
    return len(taken) == 1 and subject.case.traits.n_params == 0


def _call(method, names, arguments):
    return method(*(getattr(arguments, name) for name in names))


def run_modes(subject: Subject, arguments: Arguments) -> dict[str, Value]:
    """Call every mode; return its result and the parameter gradients it left."""
    results = {}
    for name, mode in modes_of(subject).items():
        subject.layer.clear_grad()
        result = mode(arguments)
        grads = [g for g in subject.layer.get_grads() if g is not None]
        results[name] = [result, grads]
    subject.layer.clear_grad()
    return results
