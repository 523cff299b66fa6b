"""Every public mode of a layer, called with one set of arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from .._types import Array
from .cases import Subject
from .numeric import Value, map_arrays, random_like


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


def modes_of(subject: Subject) -> dict[str, Callable[[Arguments], Value]]:
    """Return the public modes of a subject by name, as functions of ``Arguments``."""
    api = subject.api
    if subject.is_net:
        return {
            "forward": lambda a: api.forward(a.x, a.cond),
            "backward": lambda a: api.backward(a.dy, a.x, a.cond),
            "jacobian": lambda a: api.jacobian(a.dx, a.dtheta, a.x, a.cond, a.dcond),
            "adjoint_jacobian": lambda a: api.adjoint_jacobian(a.dy, a.x, a.cond),
        }
    return {
        "forward": lambda a: api.forward(a.x, a.cond),
        "inverse": lambda a: api.inverse(a.y, a.cond),
        "backward": lambda a: api.backward(a.dy, a.y, a.cond),
        "backward_inv": lambda a: api.backward_inv(a.dx, a.x, a.cond),
        "jacobian": lambda a: api.jacobian(a.dx, a.dtheta, a.x, a.cond, a.dcond),
        "jacobian_inv": lambda a: api.jacobian_inv(
            a.dy, a.dtheta, a.y, a.cond, a.dcond
        ),
        "adjoint_jacobian": lambda a: api.adjoint_jacobian(
            a.dy, a.y, a.cond, dlogdet=0.7
        ),
        "adjoint_jacobian_inv": lambda a: api.adjoint_jacobian_inv(
            a.dx, a.x, a.cond, dlogdet=0.7
        ),
        "log_abs_det": lambda a: api.log_abs_det(a.x, a.cond),
        "log_prob": lambda a: api.log_prob(a.x, a.cond),
    }


def run_modes(subject: Subject, arguments: Arguments) -> dict[str, Value]:
    """Call every mode; to the results of gradients the parameter gradients are added."""
    results = {}
    for name, mode in modes_of(subject).items():
        subject.layer.clear_grad()
        result = mode(arguments)
        grads = [g for g in subject.layer.get_grads() if g is not None]
        results[name] = [result, grads]
    subject.layer.clear_grad()
    return results
