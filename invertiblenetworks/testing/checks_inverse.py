"""Checks of the inverse, of the log-determinant and of reversed layers."""

from __future__ import annotations

import math

import numpy as np

from ..backend import to_cpu
from ..base import PairMixin
from ..compose import Reverse, reverse
from .cases import Subject, set_logdet
from .measured import Measured
from .numeric import Value, arrays_in, as_vector, random_like, zeros_like
from .numeric import relative_error as error
from .pairs import as_one

ROUND_TRIP = 1e-12
SAME = 1e-13
LOGDET = 1e-10


def invertible(subject: Subject) -> Measured:
    """Both round trips are the identity, and the log-determinants cancel."""
    api, x, cond = subject.api, subject.x, subject.cond
    backwards = as_one(reverse(subject.layer))
    bound, found = subject.bound(ROUND_TRIP), Measured()
    found.at_most("inverse(forward(x))", error(api.inverse(subject.y, cond), x), bound)
    # Any array of the right shape is an output.
    y = random_like(subject.y, subject.rng)
    x_back = api.inverse(y, cond)
    found.at_most("forward(inverse(y))", error(api.forward(x_back, cond)[0], y), bound)
    there, back = api.log_abs_det(x_back, cond), backwards.log_abs_det(y, cond)
    found.at_most("sum of log-dets", error(back, -there), bound)
    return found


def reconstruction(subject: Subject) -> Measured:
    """The gradients return the state on the other side."""
    api, x, y, cond = subject.api, subject.x, subject.y, subject.cond
    dx, dy = random_like(x, subject.rng), random_like(y, subject.rng)
    states = {
        "backward": (api.backward(dy, y, cond)[1], x),
        "backward_inv": (api.backward_inv(dx, x, cond)[1], y),
        "adjoint_jacobian": (api.adjoint_jacobian(dy, y, cond)[2], x),
        "adjoint_jacobian_inv": (api.adjoint_jacobian_inv(dx, x, cond)[2], y),
        "jacobian": (api.jacobian(dx, None, x, cond)[1], y),
        "jacobian_inv": (api.jacobian_inv(dy, None, y, cond)[1], x),
    }
    subject.layer.clear_grad()
    found = Measured()
    for method, (state, wanted) in states.items():
        difference, bound = error(state, wanted), subject.bound(ROUND_TRIP)
        found.at_most("difference of states", difference, bound, f"From {method}")
    return found


def logdet_option(subject: Subject) -> Measured:
    """``logdet`` is the mean of ``log_abs_det``; ``log_prob`` follows from it."""
    layer, api, x, cond = subject.layer, subject.api, subject.x, subject.cond
    y, logdet = api.forward(x, cond)
    per_sample, bound = api.log_abs_det(x, cond), subject.bound(SAME)
    found = Measured()
    n_samples = arrays_in(x)[0].shape[0]
    found.holds("log_abs_det has shape (N,)", per_sample.shape == (n_samples,))
    found.holds("logdet is a 0-d array", logdet.shape == ())
    found.at_most("logdet", error(logdet, per_sample.mean()), bound)
    _, _, _, logdet = api.jacobian(None, None, x, cond)
    found.at_most("logdet of jacobian", error(logdet, per_sample.mean()), bound)
    squares = sum((_rows(part) ** 2).sum(axis=1) for part in arrays_in(y))
    size = sum(math.prod(part.shape[1:]) for part in arrays_in(y))
    density = as_vector(per_sample) - 0.5 * (squares + size * math.log(2 * math.pi))
    found.at_most("log_prob", error(api.log_prob(x, cond), density), bound)
    set_logdet(layer, False)
    plain, tangents = api.forward(x, cond), api.jacobian(None, None, x, cond)
    set_logdet(layer, True)
    found.holds("without logdet forward returns y", error(plain, y) <= bound)
    found.holds("without logdet jacobian returns (dy, y)", len(tangents) == 2)
    return found


def logdet_dense(subject: Subject) -> Measured:
    """``log_abs_det`` is that of the dense Jacobian of each sample, both ways."""
    found = Measured()
    for map_ in subject.maps:
        point = subject.point(map_)
        matrices = _jacobian_per_sample(map_, point)
        layer = reverse(subject.layer) if map_.name == "inverse" else subject.layer
        claimed = to_cpu(as_one(layer).log_abs_det(point.x, subject.cond))
        for n, matrix in enumerate(matrices):
            wanted = np.linalg.slogdet(matrix)[1]
            found.at_most(
                f"log_abs_det, {map_.name}",
                error(np.asarray(claimed[n]), wanted),
                subject.bound(LOGDET),
                f"Sample {n}: log_abs_det {claimed[n]:.6g}, slogdet of the dense "
                f"Jacobian {wanted:.6g}",
            )
    return found


def reverse_modes(subject: Subject) -> Measured:
    """``reverse`` exchanges every mode with its twin, and twice gives the layer."""
    layer, found = subject.layer, Measured()
    turned = reverse(layer)
    same = all(
        a is b for a, b in zip(turned.get_params(), layer.get_params(), strict=True)
    )
    if isinstance(layer, Reverse):
        found.holds("reverse(reverse(g)) is g", turned is layer.layer)
    else:
        found.holds("reverse(reverse(f)) is f", reverse(turned) is layer)
    found.holds("reverse(f) shares the parameters", same)
    found.holds(
        "reverse(f) takes pairs as f does",
        isinstance(turned, PairMixin) == isinstance(layer, PairMixin),
    )
    for mode, (result, wanted) in _twins(subject, as_one(turned)).items():
        difference, bound = error(result, wanted), subject.bound(SAME)
        found.at_most("difference of twins", difference, bound, f"reverse(f).{mode}")
    return found


def _twins(subject, turned):
    """Results of the reversed layer beside those of the layer in the twin mode."""
    api, x, y, cond = subject.api, subject.x, subject.y, subject.cond
    dx, dy = random_like(x, subject.rng), random_like(y, subject.rng)
    dtheta = random_like([p.data for p in subject.layer.get_params()], subject.rng)
    pairs = {
        "forward": (turned.forward(y, cond)[0], api.inverse(y, cond)),
        "inverse": (turned.inverse(x, cond), api.forward(x, cond)[0]),
        "backward": (turned.backward(dx, x, cond), api.backward_inv(dx, x, cond)),
        "backward_inv": (turned.backward_inv(dy, y, cond), api.backward(dy, y, cond)),
        "jacobian": (
            turned.jacobian(dy, dtheta, y, cond),
            api.jacobian_inv(dy, dtheta, y, cond),
        ),
        "jacobian_inv": (
            turned.jacobian_inv(dx, dtheta, x, cond),
            api.jacobian(dx, dtheta, x, cond),
        ),
        "adjoint_jacobian": (
            turned.adjoint_jacobian(dx, x, cond, dlogdet=0.7),
            api.adjoint_jacobian_inv(dx, x, cond, dlogdet=0.7),
        ),
        "adjoint_jacobian_inv": (
            turned.adjoint_jacobian_inv(dy, y, cond, dlogdet=0.7),
            api.adjoint_jacobian(dy, y, cond, dlogdet=0.7),
        ),
    }
    subject.layer.clear_grad()
    return pairs


def _rows(array):
    """One row of float64 on the host per sample."""
    host = np.asarray(to_cpu(array), np.float64)
    return host.reshape(host.shape[0], -1)


def _jacobian_per_sample(map_, point):
    """Dense Jacobians with respect to the input, of shape (N, D, D).

    Samples do not depend on each other, so one direction serves all of them; that
    they do not is what ``batch_independent`` checks.
    """
    zeros = zeros_like(point)
    columns = []
    for direction in _unit_directions(point.x):
        dy, _ = map_.tangent(zeros._replace(x=direction), point)
        columns.append(np.concatenate([_rows(part) for part in arrays_in(dy)], axis=1))
    return np.stack(columns, axis=2)


def _unit_directions(x: Value):
    """Yield directions that are one in one entry of every sample."""
    for part in range(len(arrays_in(x))):
        for entry in range(math.prod(arrays_in(x)[part].shape[1:])):
            direction = zeros_like(x)
            chosen = arrays_in(direction)[part]
            chosen.reshape(chosen.shape[0], -1)[:, entry] = 1.0
            yield direction
