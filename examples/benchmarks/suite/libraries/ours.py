"""The package whose benchmarks these are."""

from __future__ import annotations

import copy
import tracemalloc
from contextlib import nullcontext
from functools import partial

import numpy as np

from invertiblenetworks import (
    ADAM,
    KeptStates,
    NetworkGlow,
    ResidualBlock,
    memory_limit,
    plan_memory,
    release_workspaces,
)
from invertiblenetworks.kernels import conv as kernels

from ..precision import LEARNING_RATE, precision_subject, training_images
from ..subject import PERTURBATION, Subject, data, squeezed_data
from ..task import Configuration
from .fresh_process import import_seconds

SMALL_IMAGE = 16


def multiscale(c: Configuration, kept=None, **options) -> Subject:
    """Glow of several scales."""
    return flow(multiscale_glow(c, **options), data(c), kept)


def limited(c: Configuration) -> Subject:
    """The same within a share of the memory that its most demanding call takes."""
    net, x = multiscale_glow(c), data(c)
    plan = plan_memory(net, x.shape)
    unlimited = max(plan.forward, plan.backward)
    limit = unlimited * c.limit_percent // 100
    subject = flow(net, x)

    def step():
        with memory_limit(limit):
            return subject.step()

    with memory_limit(limit):
        numbers = {"limit": limit, "traced_peak": _traced_peak(net, x)}
    return Subject(step, *_count(net), numbers)


def single_scale(c: Configuration, kept=None, **options) -> Subject:
    """Glow on squeezed images."""
    x, options = squeezed_data(c), dict(L=1, K=c.steps, rng=0, **options)
    return flow(NetworkGlow(x.shape[1], c.hidden, **options), x, kept)


def dense(c: Configuration, kept=None, **options) -> Subject:
    """Glow on vectors."""
    options = dict(L=1, K=c.steps, ndims=0, rng=0, **options)
    return flow(NetworkGlow(c.channels, c.hidden, **options), data(c), kept)


def precision(c: Configuration, **options) -> Subject:
    """Gradients in float32 of a trained Glow beside those in float64."""
    net, optimizer = multiscale_glow(c, **options), ADAM(LEARNING_RATE)
    for x in training_images(c):
        gradients(net, x)
        optimizer.step(net.get_params())
    double = copy.deepcopy(net).astype("float64")
    return precision_subject(
        c, lambda x: gradients(net, x), lambda x: gradients(double, x)
    )


def residual_block(c: Configuration) -> Subject:
    """The conditioner with square kernels; ``backward`` evaluates it, too."""
    n = c.channels
    block = ResidualBlock(n, n, n_out=n, fan=True, ndims=c.ndims, rng=0)
    perturb(block)
    x, dy = data(c), data(c)

    def step():
        block.clear_grad()
        dx = block.backward(dy, x)
        return float(dx.ravel()[0])

    return Subject(step, *_count(block))


def convolution(c: Configuration) -> Subject:
    """Square 3x3 or 3x3x3 convolution."""
    x, w = data(c), _kernel(c)
    return _kernel_subject(partial(kernels.conv, x, w, pad=1), w)


def convolution_adjoint_x(c: Configuration) -> Subject:
    """Its adjoint in the images."""
    dy, w = data(c), _kernel(c)
    call = partial(kernels.conv_adjoint_x, dy, w, dy.shape[2:], pad=1)
    return _kernel_subject(call, w)


def convolution_adjoint_w(c: Configuration) -> Subject:
    """Its adjoint in the kernels."""
    x, dy, w = data(c), data(c), _kernel(c)
    call = partial(kernels.conv_adjoint_w, dy, x, w.shape[2:], pad=1)
    return _kernel_subject(call, w)


def import_package(c: Configuration) -> Subject:
    """Start of an interpreter that imports the package."""
    return Subject(lambda: import_seconds("invertiblenetworks"))


def flow(net, x, kept: KeptStates | None = None) -> Subject:
    """Steps of training without an optimizer; with ``kept``, of three units."""
    prepare(net, x)
    n = len(x)

    def step():
        net.clear_grad()
        with kept.recording() if kept is not None else nullcontext():
            z, logdet = net.forward(x)
        value = 0.5 / n * np.vdot(z, z) - logdet
        with kept.replaying() if kept is not None else nullcontext():
            net.backward(z / n, z)
        return float(value)

    traced_peak = partial(_traced_peak, net, x) if kept is None else None
    return Subject(step, *_count(net), traced_peak=traced_peak)


def multiscale_glow(c: Configuration, **options) -> NetworkGlow:
    """Return the network that `multiscale` makes steps of."""
    options = dict(L=c.scales, K=c.steps, split_scales=True, **options)
    return NetworkGlow(c.channels, c.hidden, rng=0, **options)


def gradients(net, x) -> list[np.ndarray]:
    """Return those of all parameters, of the mean negative log-likelihood."""
    net.clear_grad()
    z, _ = net.forward(x)
    net.backward(z / len(x), z)
    return net.get_grads()


def _traced_peak(net, x) -> int:
    """Most bytes of arrays that one of the two calls of a step makes."""
    z, _ = net.forward(x)
    net.backward(z, z)  # So that nothing counts that is made once.
    peaks = []
    for call in (lambda: net.forward(x), lambda: net.backward(z, z)):
        net.clear_grad()
        tracemalloc.start()
        release_workspaces()
        call()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return max(peaks)


def prepare(net, x) -> None:
    """Set all parameters to values that are nowhere zero."""
    # ActNorm takes its values from a small batch, so that no memory is used yet.
    small = x[:64] if x.ndim == 2 else x[:2, :, :SMALL_IMAGE, :SMALL_IMAGE]
    net.initialize(np.ascontiguousarray(small))
    perturb(net)


def perturb(net) -> None:
    """Move all parameters a little."""
    rng = np.random.default_rng(1)
    for parameter in net.get_params():
        noise = rng.standard_normal(parameter.shape, "float32")
        parameter.set(parameter.data + PERTURBATION * noise)


def _count(net) -> tuple[int, int]:
    """Parameters, and kernels among them; all others have one axis."""
    parameters = net.get_params()
    kernel_sizes = [p.size for p in parameters if len(p.shape) > 1]
    return sum(p.size for p in parameters), sum(kernel_sizes)


def _kernel(c: Configuration) -> np.ndarray:
    shape = (c.channels, c.channels, *(3,) * c.ndims)
    return np.random.default_rng(1).standard_normal(shape, "float32")


def _kernel_subject(call, w) -> Subject:
    return Subject(lambda: float(call().ravel()[0]), w.size, w.size)
