"""What the formulas of the transformers cost: launches, waiting and memory."""

import tracemalloc

import numpy as np
import pytest
from pool_peak import pool_peak

from invertiblenetworks import (
    AdditiveTransformer,
    AffineTransformer,
    ReflectionTransformer,
)
from invertiblenetworks.backend import has_cuda_kernels
from invertiblenetworks.kernels import parts
from invertiblenetworks.kernels.activation_layers import SigmoidLayer

pytestmark = pytest.mark.kernels

ROUNDED = 512
BYTES_OF_PART = 4 * parts.IMAGE_ENTRIES  # of float32
"""Bytes of the smallest block of CuPy's pool; a log-determinant fits in it."""

TRANSFORMERS = [
    AffineTransformer(),
    AffineTransformer("sigmoid"),
    AffineTransformer(SigmoidLayer(low=0.5)),
    AffineTransformer("sigmoid2"),
    AffineTransformer("softplus"),
    AdditiveTransformer(),
    ReflectionTransformer(),
]
IDS = [
    repr(getattr(transformer, "activation", type(transformer).__name__))
    for transformer in TRANSFORMERS
]
METHODS = ["forward", "inverse", "backward", "backward_inv"]

every = pytest.mark.parametrize("transformer", TRANSFORMERS, ids=IDS)
method = pytest.mark.parametrize("method", METHODS)


def operands(xp, transformer, method, shape=(3, 4, 16, 16), dtype="float32"):
    """Arguments of a method; those of the shape of ``b`` are views of a state."""
    n_samples, n_channels, *spatial = shape
    n_params = transformer.params_per_channel * n_channels
    state = xp.full((2, n_samples, n_channels + 2, *spatial), 0.5, dtype)
    b, db = state[:, :, 2:]
    p = xp.full((n_samples, n_params, *spatial), 0.25, dtype)
    if "backward" not in method:
        return b, p
    return db, xp.full(n_samples, 0.1, dtype), b, p


def in_place(arguments):
    """What ``out`` has to be."""
    return (arguments[0], arguments[2]) if len(arguments) == 4 else arguments[0]


def launches(backend, compute):
    """Names of the kernels that ``compute`` launches."""
    if backend.name != "emulated":
        compute()
        return []
    from doubles import cupy_on_cpu

    compute()  # compiled once
    with cupy_on_cpu.launch_names() as names:
        compute()
    return names


def expected_launches(transformer, method):
    """One kernel for the formula and, where it is not zero, one for ``ld``."""
    both = "backward" in method
    if isinstance(transformer, AdditiveTransformer):
        return [f"coupling_additive_{method}"]
    if isinstance(transformer, ReflectionTransformer):
        return ["coupling_reflection_backward" if both else "coupling_reflection"]
    return [f"coupling_affine_{method}", *([] if both else ["coupling_sum_of_logs"])]


@method
@every
def test_one_launch_for_a_formula(transformer, method, backend):
    arguments = operands(backend.xp, transformer, method)
    compute = getattr(transformer, method)
    names = launches(backend, lambda: compute(*arguments, out=in_place(arguments)))
    if backend.name == "emulated":
        assert names == expected_launches(transformer, method)


@pytest.mark.parametrize("with_out", [False, True])
@method
@every
def test_nothing_waits(transformer, method, with_out, xp, device_counters):
    arguments = operands(xp, transformer, method)
    options = {"out": in_place(arguments)} if with_out else {}
    device_counters.reset()
    getattr(transformer, method)(*arguments, **options)
    assert device_counters.read() == (0, 0, 0)


def warm_pool_peak(compute):
    compute()
    return pool_peak(compute)


def host_peak(compute):
    compute()
    tracemalloc.start()
    compute()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@method
@every
def test_memory_in_place(transformer, method, xp):
    """On a GPU the log-determinant, and no more; on the host at most four parts."""
    arguments = operands(xp, transformer, method, shape=(4, 8, 64, 128))
    compute = getattr(transformer, method)

    def run():
        compute(*arguments, out=in_place(arguments))

    if has_cuda_kernels(xp):
        assert warm_pool_peak(run) == (0 if "backward" in method else ROUNDED)
    elif xp is np:
        assert host_peak(run) < 4.1 * BYTES_OF_PART


@method
@every
def test_memory_without_out(transformer, method, xp):
    """Beyond the results: on a GPU nothing, on the host at most four parts."""
    arguments = operands(xp, transformer, method, shape=(4, 8, 64, 128))
    compute = getattr(transformer, method)
    given = set(map(id, arguments))
    new = {id(result): result.nbytes for result in compute(*arguments)}
    n_bytes = sum(new[name] for name in set(new) - given)
    if has_cuda_kernels(xp):
        logdet = 0 if "backward" in method else ROUNDED - 4 * len(arguments[0])
        assert warm_pool_peak(lambda: compute(*arguments)) == n_bytes + logdet
    elif xp is np:
        in_parts = 4.1 * BYTES_OF_PART
        assert host_peak(lambda: compute(*arguments)) < n_bytes + in_parts
