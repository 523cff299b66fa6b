"""What is planned is what tracemalloc then measures."""

from __future__ import annotations

import dataclasses
import math
import tracemalloc

import numpy as np
import pytest
from planning.traced import traced_peak
from registry import CASES
from threadpoolctl import threadpool_limits

import invertiblenetworks as inn
from invertiblenetworks.planning import MemoryPlan, phantom_storage, plan_memory
from invertiblenetworks.testing.cases import Factory, prepare

LEAST_BYTES = 125_000
"""Of the input: below, objects of Python (20 KiB for some) are more than 5 %."""

SLACK = 10_000
"""Bytes of objects of Python and of NumPy's buffer, for cases with little else."""

SCIPY = "OperatorNet LinearOperator"
"""Calls an operator of SciPy, which needs values."""

ONE_SIZE = {"FunctionNet with parameters"}
"""Cases with parameters for one spatial size, which no check of shapes tells."""

PLANNED = [case for case in CASES if case.context is None and case.name != SCIPY]
METHODS = ("forward", "inverse", "backward", "backward_inv")


@pytest.fixture(autouse=True)
def _one_worker():
    """Threads with little to do are not at their peaks at one moment, as planned."""
    with threadpool_limits(1, user_api="blas"):
        yield


# --- larger cases ---------------------------------------------------------------------


def parts(shape):
    return list(shape) if isinstance(shape[0], tuple) else [shape]


def scaled(shape, batch, space):
    """A shape, or those of a pair, with more samples and more pixels."""
    if shape is None:
        return None
    new = [
        (batch * n, c, *(space * size for size in rest)) for n, c, *rest in parts(shape)
    ]
    return tuple(new) if isinstance(shape[0], tuple) else new[0]


def n_bytes(shape):
    return 4 * sum(map(math.prod, parts(shape)))


def accepts(layer, shape, cond_shape):
    direction = () if isinstance(layer, inn.Net) else (False,)
    try:
        layer._check_shape(shape, cond_shape, *direction)
    except Exception:
        return False
    return True


def enlarged(case):
    """The case with as many pixels as it can do with, and then enough samples."""
    layer = case.build(Factory("float32"))
    for space in (32, 16, 8, 4, 2, 1):
        shape, cond = (scaled(s, 1, space) for s in (case.shape, case.cond_shape))
        if n_bytes(shape) < 20 * LEAST_BYTES and accepts(layer, shape, cond):
            break
    if case.name in ONE_SIZE:
        shape, cond = case.shape, case.cond_shape
    batch = -(-LEAST_BYTES // n_bytes(shape))
    shape, cond = (scaled(s, batch, 1) for s in (shape, cond))
    return dataclasses.replace(case, shape=shape, cond_shape=cond)


def in_c_order(state):
    """A state as a plan takes it to be; of vectors a result has another layout."""
    if isinstance(state, tuple):
        return tuple(map(in_c_order, state))
    return np.ascontiguousarray(state)


def measured(subject, method) -> int:
    """Peak of a method that makes new gradients."""
    state = subject.x if method in ("forward", "backward_inv") else subject.y
    function = getattr(subject.api, method)
    arguments = [state] if method in ("forward", "inverse") else [state, state]
    if subject.is_net and method == "backward":
        arguments = [subject.y, subject.x]
    arguments = [in_c_order(argument) for argument in arguments]
    if subject.cond is not None:
        arguments.append(subject.cond)

    def run():
        subject.layer.clear_grad()
        return function(*arguments)

    peak = traced_peak(run)
    subject.layer.clear_grad()
    return peak


@pytest.mark.filterwarnings("ignore:overflow|invalid|divide:RuntimeWarning")
@pytest.mark.parametrize("case", PLANNED, ids=lambda case: case.name)
def test_plans_agree_with_measurements(case):
    case = enlarged(case)
    subject = prepare(case, dtype="float32")
    plan = plan_memory(subject.layer, case.shape, case.cond_shape)
    assert plan.state == n_bytes(case.shape) >= LEAST_BYTES
    for method in METHODS:
        planned = getattr(plan, method)
        if planned is None:
            assert subject.is_net
            continue
        wanted = measured(subject, method)
        assert planned == pytest.approx(wanted, rel=0.05, abs=SLACK), method


# --- what the numbers mean ------------------------------------------------------------


def glow(**options):
    options = {
        "L": 2,
        "K": 2,
        "split_scales": True,
        "logdet": True,
        "rng": 0,
        **options,
    }
    return inn.NetworkGlow(3, 16, **options)


SHAPE = (4, 3, 32, 32)


def test_sizes_of_what_is_there_before():
    net = glow()
    plan = plan_memory(net, SHAPE)
    n_values = sum(p.size for p in net.get_params())
    assert (plan.state, plan.parameters) == (4 * math.prod(SHAPE), 4 * n_values)
    assert plan.gradients == plan.parameters
    net.layers[0].freeze()
    frozen = sum(p.size for p in net.layers[0].get_params())
    assert frozen > 0
    assert plan_memory(net, SHAPE).gradients == 4 * (n_values - frozen)


def test_gradients_are_counted_where_they_are_made():
    net, x = glow(K=16), np.random.default_rng(0).normal(size=SHAPE).astype("float32")
    first, later = (plan_memory(net, SHAPE, gradients=g) for g in (True, False))
    # The first call makes all of them, a later one those of one layer at a time.
    assert first.backward - later.backward > 0.8 * first.gradients
    assert (first.forward, first.inverse) == (later.forward, later.inverse)
    y, _ = net.forward(x)

    def make_gradients():
        net.clear_grad()
        net.backward(y, y)

    found = traced_peak(lambda: net.backward(y, y), before=make_gradients)
    assert later.backward == pytest.approx(found, rel=0.05)


def test_peaks_do_not_grow_with_depth_but_for_gradients():
    plans = [plan_memory(glow(K=depth), SHAPE) for depth in (2, 16)]
    peaks = [plan.backward - plan.gradients for plan in plans]
    assert peaks[1] == pytest.approx(peaks[0], rel=0.1)
    assert plans[1].forward == pytest.approx(plans[0].forward, rel=0.02)


@pytest.mark.parametrize("depth", [8, 32])
def test_deep_networks(depth):
    net, x = glow(L=1, K=depth), np.random.default_rng(1).normal(size=SHAPE)
    y, _ = net.forward(x.astype("float32"))
    found = traced_peak(lambda: (net.clear_grad(), net.backward(y, y)))
    net.clear_grad()
    assert plan_memory(net, SHAPE).backward == pytest.approx(found, rel=0.05)


def test_dtype():
    net = glow()
    single, double = plan_memory(net, SHAPE), plan_memory(net, SHAPE, dtype="float64")
    assert net.dtype == "float32"
    assert (double.state, double.parameters) == (
        2 * single.state,
        2 * single.parameters,
    )
    assert double.forward > single.forward
    assert double == plan_memory(net.astype("float64"), SHAPE)


def test_the_layer_is_left_alone():
    net = glow()
    before = [p.data for p in net.get_params()]
    assert not net.initialized
    plan = plan_memory(net, SHAPE)
    assert not net.initialized
    for parameter, data in zip(net.get_params(), before, strict=True):
        assert parameter.data is data
        assert parameter.grad is None
    net.forward(np.random.default_rng(0).normal(size=SHAPE).astype("float32"))
    assert plan_memory(net, SHAPE) == plan


def test_a_shared_layer_has_one_gradient():
    layer = inn.CouplingLayerGlow(4, 8, rng=0)
    once, twice = inn.Chain(layer), inn.Chain(layer, layer)
    shape = (2, 4, 16, 16)
    assert plan_memory(twice, shape).gradients == plan_memory(once, shape).gradients
    x = np.ones(shape, "float32")
    for net in (once, twice):
        found = traced_peak(lambda net=net: (net.clear_grad(), net.backward(x, x)))
        net.clear_grad()
        assert plan_memory(net, shape).backward == pytest.approx(found, rel=0.05)


def test_a_net_has_no_inverse():
    plan = plan_memory(inn.ResidualBlock(3, 8, rng=0), SHAPE)
    assert plan.inverse is None
    assert plan.backward_inv is None
    assert plan.backward > plan.forward > 0


def test_as_text():
    plan = MemoryPlan(2**20, 2**21, 3 * 2**19, 5, 2**22, 2**10, 0)
    text = """\
in memory before          MiB
  state                 4.000
  parameters            0.001
  gradients             0.000
peak beyond that          MiB
  forward               1.000
  inverse               2.000
  backward              1.500
  backward_inv          0.000"""
    assert str(plan) == text
    of_net = dataclasses.replace(plan, inverse=None, backward_inv=None)
    assert "inv" not in str(of_net)


# --- before any work ------------------------------------------------------------------


def test_a_hundred_gigabytes():
    net = inn.Chain(
        inn.HaarLayer(),
        inn.ActNorm(12),
        inn.Conv1x1(12, rng=0),
        inn.Coupling(
            scaled_input(), inn.AdditiveTransformer(), inn.compose.ChannelSplit(6)
        ),
        logdet=True,
    )
    shape = (1, 3, 2**16, 2**17)
    counter = Count(phantom_storage.Storage)
    plan_memory(net, (1, 3, 4, 4))
    tracemalloc.start()
    try:
        with counter:
            plan = plan_memory(net, shape)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert plan.state > 100e9
    assert plan.state < plan.forward < plan.backward < 10 * plan.state
    assert peak < 2e6
    assert counter.number < 2000


def scaled_input():
    return inn.FunctionNet(lambda x: 2.0 * x, lambda dy, x: 2.0 * dy)


class Count:
    """Counts the phantom arrays that are made within a block."""

    def __init__(self, kind):
        self.kind, self.number = kind, 0

    def __enter__(self):
        self.original = self.kind.__init__

        def counted(array, *args, **kwargs):
            self.number += 1
            self.original(array, *args, **kwargs)

        self.kind.__init__ = counted

    def __exit__(self, *error):
        self.kind.__init__ = self.original


@pytest.mark.parametrize(
    ("shape", "match"),
    [
        ((4, 3, 31, 32), "spatial sizes divisible by 4"),
        ((4, 2, 32, 32), r"shape \(N, 3, height, width\), got shape \(4, 2, 32, 32\)"),
        ((4,), "arrays of shape"),
        ((4, 3, 0, 32), "positive integers"),
        ((4, 3, 32.0, 32), "positive integers"),
        ((), "positive integers"),
        (7, "positive integers"),
        (np.ones((4, 3, 32, 32)), r"shape \(4, 3, 32, 32\)\. Of an array x .* x.shape"),
        ((SHAPE, SHAPE), "expected"),
    ],
)
def test_wrong_shapes(shape, match):
    with pytest.raises(ValueError, match=match):
        plan_memory(glow(), shape)


def test_any_form_of_a_shape():
    assert plan_memory(glow(), [*map(np.int64, SHAPE)]) == plan_memory(glow(), SHAPE)


def test_wrong_conditions():
    with pytest.raises(TypeError, match="expected no condition"):
        plan_memory(glow(), SHAPE, SHAPE)
    net = inn.ConditionalLayerGlow(2, 1, 4, rng=0)
    with pytest.raises(TypeError, match="expected a condition"):
        plan_memory(net, (4, 2, 8, 8))
    with pytest.raises(ValueError, match="batch size"):
        plan_memory(net, (4, 2, 8, 8), (3, 1, 8, 8))


def test_what_cannot_be_planned():
    with pytest.raises(TypeError, match="plan_memory: expected a layer"):
        plan_memory(np.ones(3), SHAPE)
    loop = inn.NetworkLoop(3, 2, 1, rng=0)
    with pytest.raises(TypeError, match="takes a context"):
        plan_memory(loop, ((2, 1, 8, 8), (2, 2, 8, 8)))
    (case,) = [case for case in CASES if case.name == SCIPY]
    with pytest.raises(TypeError, match="operators of SciPy"):
        plan_memory(case.build(Factory()), case.shape)
    with pytest.raises(TypeError, match="'float32' or 'float64'"):
        plan_memory(glow(), SHAPE, dtype="int32")
