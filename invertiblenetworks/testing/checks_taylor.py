"""Taylor tests, and what the gradients of a map and of its inverse have in common."""

from __future__ import annotations

from dataclasses import replace

from ..base import PairMixin
from ..compose import Chain, PairChain
from .cases import Subject
from .measured import Measured
from .numeric import TaylorFit, random_like, zeros_like
from .numeric import relative_error as error
from .objective import ORDER, ORDER_TOLERANCE, gradient_fit, jvp_fit
from .pairs import as_one


def taylor_gradient(subject: Subject) -> Measured:
    """The gradient from ``backward`` is right to second order.

    The objective is ``|y - target|^2 / (2 N) - logdet``, the direction random in
    input, parameters and condition together.
    """
    return _judge("gradient", gradient_fit(subject.maps[0], subject))


def taylor_jvp(subject: Subject) -> Measured:
    """``jacobian`` and ``jacobian_inv`` are right to second order."""
    found = Measured()
    for map_ in subject.maps:
        _judge(f"{map_.name} jacobian", jvp_fit(map_, subject), found)
    return found


def backward_inv(subject: Subject) -> Measured:
    """``backward_inv`` passes the Taylor test, and undoes the forward adjoint."""
    found = _judge("gradient of the inverse", gradient_fit(subject.maps[1], subject))
    api, x, y, cond = subject.api, subject.x, subject.y, subject.cond
    dx, dy = random_like(x, subject.rng), random_like(y, subject.rng)
    bound = subject.bound(1e-11)
    there = api.adjoint_jacobian(dy, y, cond)[0]
    back = api.adjoint_jacobian_inv(there, x, cond)[0]
    found.at_most("adjoint of inverse after adjoint", error(back, dy), bound)
    there = api.jacobian(dx, None, x, cond)[0]
    back = api.jacobian_inv(there, None, y, cond)[0]
    found.at_most("jacobian of inverse after jacobian", error(back, dx), bound)
    return found


def shared(subject: Subject) -> Measured:
    """The layer used twice in a ``Chain`` passes the Taylor test, both ways."""
    layer, found = subject.layer, Measured()
    chain = PairChain if isinstance(layer, PairMixin) else Chain
    twice = chain(layer, layer, logdet=True)
    pairs = zip(twice.get_params(), layer.get_params(), strict=True)
    found.holds("parameters are listed once", all(a is b for a, b in pairs))
    y, _ = as_one(twice).forward(subject.x, subject.cond)
    both = replace(subject, layer=twice, y=y)
    for map_ in both.maps:
        _judge(f"{map_.name} gradient of f after f", gradient_fit(map_, both), found)
    return found


def vjp_matches_backward(subject: Subject) -> Measured:
    """``backward`` gives what ``adjoint_jacobian`` gives with the seed -1."""
    found = Measured()
    for map_ in subject.maps:
        point = subject.point(map_)
        y, _ = map_.value(point)
        dy = random_like(y, subject.rng)
        from_backward = map_.gradient(dy, point, y)
        from_adjoint = map_.adjoint(dy, -1.0, point, y)
        for i, parameter in enumerate(subject.layer.get_params()):
            if not parameter.trainable:
                from_adjoint.theta[i] = zeros_like(parameter.data)
        found.at_most(
            f"difference for the {map_.name} map",
            error(from_backward, from_adjoint),
            subject.bound(1e-13),
        )
    return found


def _judge(what: str, fit: TaylorFit, found: Measured | None = None) -> Measured:
    """Require order two; the message prints the table behind the fit."""
    found = found or Measured()
    if fit.order == float("inf"):
        found.holds(f"{what} exact up to rounding", True)
    else:
        distance = abs(fit.order - ORDER)
        detail = f"{fit}\nA wrong derivative has order 1"
        found.at_most(f"|order - 2| of the {what}", distance, ORDER_TOLERANCE, detail)
    return found
