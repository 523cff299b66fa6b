"""The scalar function whose gradients are checked."""

from __future__ import annotations

from collections.abc import Callable

from ..kernels.channels import batch_size
from .cases import Subject
from .maps import Map, Point
from .numeric import (
    TaylorFit,
    Value,
    add_scaled,
    inner,
    norm,
    random_like,
    taylor_order,
)

ORDER, ORDER_TOLERANCE = 2.0, 0.02
ROUNDING = 1e-13
ATTEMPTS = 3


class Objective:
    """``|y - target|^2 / (2 N) - logdet`` of the result of a map.

    A target, since the norm alone is blind to rotations.
    """

    def __init__(self, map_: Map, subject: Subject):
        self.map = map_
        state = subject.x if map_.name == "inverse" else subject.y
        self.target = random_like(state, subject.rng)
        self.n_samples = batch_size(state)

    def __call__(self, point: Point) -> float:
        """Return the value at a point."""
        y, logdet = self.map.value(point)
        misfit = norm(add_scaled(y, -1.0, self.target))
        return misfit**2 / (2.0 * self.n_samples) - logdet

    def seed(self, y: Value) -> Value:
        """Return the gradient of the misfit with respect to ``y``."""
        misfit = add_scaled(y, -1.0, self.target)
        return add_scaled(misfit, 1.0 / self.n_samples - 1.0, misfit)

    def gradient(self, point: Point) -> Point:
        """Return the gradient at a point, from ``backward``."""
        y, _ = self.map.value(point)
        return self.map.gradient(self.seed(y), point, y)


def gradient_fit(map_: Map, subject: Subject) -> TaylorFit:
    """Fit the order of ``J(p + h d) - J(p) - h <grad J, d>``."""
    objective = Objective(map_, subject)
    point = subject.point(map_)
    value, gradient = objective(point), objective.gradient(point)

    def draw_error():
        direction = subject.direction(point, trainable_only=True)
        slope = inner(gradient, direction)

        def error(step):
            moved = objective(add_scaled(point, step, direction))
            return abs(moved - value - step * slope)

        return error

    fit = _best_fit(draw_error, ROUNDING * max(1.0, abs(value)))
    map_.layer.set_params(point.theta)
    return fit


def jvp_fit(map_: Map, subject: Subject) -> TaylorFit:
    """Fit the order of ``F(p + h d) - F(p) - h F'(p) d``, output and log-det."""
    point = subject.point(map_)

    def draw_error():
        direction, value = subject.direction(point), map_.value(point)
        slope = map_.tangent(direction, point)

        def error(step):
            y, logdet = map_.value(add_scaled(point, step, direction))
            missed = add_scaled(add_scaled(y, -1.0, value[0]), -step, slope[0])
            return norm(missed) + abs(logdet - value[1] - step * slope[1])

        return error

    size = norm(map_.value(point)[0])
    fit = _best_fit(draw_error, ROUNDING * max(1.0, size))
    map_.layer.set_params(point.theta)
    return fit


def _best_fit(draw_error: Callable, rounding: float) -> TaylorFit:
    """Fit along a few directions; keep the one with the order nearest to two.

    By chance the second derivative may nearly vanish along a direction. A wrong
    first derivative shows along all of them.
    """
    fits = []
    for _ in range(ATTEMPTS):
        fits.append(taylor_order(draw_error(), rounding=rounding))
        if has_order_two(fits[-1]):
            return fits[-1]
    return min(fits, key=lambda fit: abs(fit.order - ORDER))


def has_order_two(fit: TaylorFit) -> bool:
    """True if a derivative is right: order two, or nothing but rounding."""
    return abs(fit.order - ORDER) <= ORDER_TOLERANCE or fit.order == float("inf")
