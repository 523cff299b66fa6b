"""What the memory-efficient gradient rests on: constant memory, small drift, few calls.

``backward`` recomputes every state from the output. So its memory must not grow with
depth, rounding must not add up, and the recomputation must not cost evaluations.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from pool_peak import pool_peak

import invertiblenetworks as inn

SHAPE = (16, 4, 32, 32)
DEEP = 32


def deep_glow(layer_to_xp, depth, dtype="float32"):
    """A Glow of one scale and ``depth`` steps, in a state as after some training.

    No coupling is the identity, and every ActNorm is fitted to the data. Moved much
    further the network is chaotic, and float32 cannot invert it.
    """
    net = inn.NetworkGlow(SHAPE[1], 8, L=1, K=depth, dtype=dtype, rng=1)
    rng = np.random.default_rng(2)
    for parameter in net.get_params():
        moved = 0.03 * rng.standard_normal(parameter.shape)
        if parameter.initialized:
            parameter.set(parameter.data + moved.astype(dtype))
    net.initialize(batch(dtype))
    return layer_to_xp(net)


def batch(dtype="float32"):
    return np.random.default_rng(3).standard_normal(SHAPE).astype(dtype)


def run(net, x):
    """One step of training without the optimiser."""
    z, _ = net.forward(x)
    net.backward(z / len(z), z)


# --- peak of memory -------------------------------------------------------------------


def peak_on_the_host(function):
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    function()
    return tracemalloc.get_traced_memory()[1] - before


def peak_in_the_double(function):
    from doubles.strict_cupy import counters, pool

    counters.reset()
    before = pool.used_bytes()
    function()
    return pool.peak_bytes - before


@pytest.fixture
def peak(backend):
    """Function that returns the peak of memory in a call, over what is held before."""
    if backend.name == "numpy":
        tracemalloc.start()
        yield peak_on_the_host
        tracemalloc.stop()
    elif backend.name == "strict":
        yield peak_in_the_double
    else:
        yield pool_peak


def test_peak_does_not_grow_with_depth(peak, layer_to_xp, to_xp):
    peaks = {}
    for depth in (4, DEEP):
        net = deep_glow(layer_to_xp, depth)
        x = to_xp(batch())
        for _ in range(2):  # From here on every gradient has an array of its own.
            run(net, x)
        peaks[depth] = peak(lambda net=net, x=x: run(net, x))
    assert peaks[4] > 4 * x.nbytes  # The hidden states of one conditioner are seen.
    assert peaks[DEEP] == pytest.approx(peaks[4], rel=0.02)


@pytest.mark.parametrize(
    ("mode", "collects"),
    [
        ("jacobian", False),
        ("jacobian_inv", False),
        ("adjoint_jacobian", True),
        ("adjoint_jacobian_inv", True),
    ],
)
def test_peak_of_linear_operators_does_not_grow_with_depth(
    peak, layer_to_xp, to_xp, mode, collects
):
    peaks = {}
    for depth in (4, DEEP):
        net = deep_glow(layer_to_xp, depth)
        x = to_xp(batch())
        call = getattr(net, mode)
        arguments = (x, x) if collects else (x, None, x)
        call(*arguments)
        peaks[depth] = peak(lambda call=call, arguments=arguments: call(*arguments))
        if collects:  # The cotangents of the parameters are part of the result.
            peaks[depth] -= sum(p.data.nbytes for p in net.get_params())
    # Many small arrays cost more than their bytes. One state kept in each step would
    # more than double the peak.
    assert peaks[DEEP] == pytest.approx(peaks[4], rel=0.15)


# --- rounding -------------------------------------------------------------------------


def test_drift_of_a_deep_network_in_float32(layer_to_xp, to_xp, to_numpy):
    net = deep_glow(layer_to_xp, DEEP)
    x = batch()
    z, _ = net.forward(to_xp(x))
    _, x_again = net.backward(z, z)
    error = np.abs(to_numpy(x_again) - x).max() / np.abs(x).max()
    assert 1e-8 < error < 2e-5


def test_gradients_of_a_deep_network_in_float32(layer_to_xp, to_xp, to_numpy):
    gradients = {}
    for dtype in ("float32", "float64"):
        net = deep_glow(layer_to_xp, DEEP, dtype)
        z, _ = net.forward(to_xp(batch(dtype)))
        dx, _ = net.backward(z / len(z), z)
        found = [to_numpy(g) for g in (dx, *net.get_grads())]
        assert {g.dtype for g in found} == {np.dtype(dtype)}
        gradients[dtype] = np.concatenate([g.ravel() for g in found])
    # In norm, since at a few pixels a ReLU may switch in one of them only.
    single, double = gradients.values()
    assert np.linalg.norm(single - double) < 1e-3 * np.linalg.norm(double)


# --- evaluations ----------------------------------------------------------------------


class Counting(inn.Net):
    """Counts how often a net is evaluated, differentiated and pulled back."""

    def __init__(self, net):
        self.net = net
        self.calls = []

    def _forward(self, x, cond):
        self.calls.append("value")
        return self.net._forward(x, cond)

    def _linearize(self, x, cond):
        self.calls.append("linearize")
        y, pull = self.net._linearize(x, cond)

        def counted(dy, add_grad):
            self.calls.append("pull")
            return pull(dy, add_grad)

        return y, counted

    def _jvp(self, dx, dcond, tangent, x, cond):
        self.calls.append("jvp")
        return self.net._jvp(dx, dcond, tangent, x, cond)

    def _check_shape(self, shape, cond_shape):
        return self.net._check_shape(shape, cond_shape)


@pytest.mark.parametrize("coupling", ["affine", "additive"])
def test_the_conditioner_is_evaluated_once(coupling, layer_to_xp, to_xp):
    n_out = 4 if coupling == "affine" else 2
    net = Counting(inn.ResidualBlock(2, 3, n_out=n_out, fan=True, rng=0))
    layer = layer_to_xp(inn.CouplingLayerGlow(4, net, coupling=coupling, rng=0))
    x = to_xp(np.random.default_rng(0).standard_normal((2, 4, 4, 4)).astype("float32"))
    expected = {
        "forward": ["value"],
        "inverse": ["value"],
        "log_abs_det": ["value"],
        "backward": ["linearize", "pull"],
        "backward_inv": ["linearize", "pull"],
        "adjoint_jacobian": ["linearize", "pull"],
        "adjoint_jacobian_inv": ["linearize", "pull"],
        "jacobian": ["jvp"],
        "jacobian_inv": ["jvp"],
    }
    for method, calls in expected.items():
        net.calls.clear()
        states = 1 if calls == ["value"] else 2
        arguments = (x, None, x) if calls == ["jvp"] else (x,) * states
        getattr(layer, method)(*arguments)
        assert net.calls == calls, method


# --- gaps in memory -------------------------------------------------------------------

GAPS = """
import ctypes
from invertiblenetworks import NetworkGlow

class Statistics(ctypes.Structure):  # See "man mallinfo2".
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks used free releasable"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

statistics = ctypes.CDLL(None).mallinfo2
statistics.restype = Statistics

def gaps():
    found = statistics()
    return found.free - found.releasable

before = gaps()
net = NetworkGlow(3, 256, L=3, K=16, split_scales=True, rng=0)
print((gaps() - before) / sum(p.data.nbytes for p in net.get_params() if p.initialized))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="about the C library of GNU",
)
def test_parameters_leave_no_gaps_between_them():
    """Gaps are memory of the process that no large array can use: 12 % once."""
    command = [sys.executable, "-c", GAPS]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(printed.stdout) < 0.03
