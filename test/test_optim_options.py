"""Facts about schedules, clipping, the checks of gradients, and saving optimisers."""

import numpy as np
import pytest
from optimiser_cases import (
    OPTIMISERS,
    assert_same,
    give_and_step,
    give_gradients,
    parameters,
    values,
)

from invertiblenetworks import Parameter
from invertiblenetworks.optim import (
    ADAM,
    SGD,
    clip_grad_norm,
    cosine_decay,
    exponential_decay,
)

ALL = pytest.mark.parametrize("name", OPTIMISERS)

# --- step length, schedules, clipping -------------------------------------------------


@ALL
def test_step_length_can_be_set(to_xp, to_numpy, name):
    p, opt = Parameter(to_xp(np.zeros(2))), OPTIMISERS[name]()
    p.accumulate(to_xp(np.ones(2)))
    opt.lr = np.float64(1e-3)
    opt.update(p)
    np.testing.assert_allclose(to_numpy(p.data), -1e-3, rtol=1e-6)


@ALL
def test_schedule_acts_on_the_step_length(rng, to_xp, to_numpy, name):
    """With a constant gradient the moves are those without schedule, times it."""
    factors = [1.0, 0.5, 2.0, 0.0]
    plain, scheduled = (
        OPTIMISERS[name](),
        OPTIMISERS[name](schedule=factors.__getitem__),
    )
    p, q = Parameter(to_xp(np.zeros(2))), Parameter(to_xp(np.zeros(2)))
    p.grad = q.grad = to_xp(np.array([0.5, -2.0]))
    for factor in factors:
        old_p, old_q = to_numpy(p.data).copy(), to_numpy(q.data).copy()
        plain.update(p)
        scheduled.update(q)
        move = to_numpy(q.data) - old_q
        wanted = factor * (to_numpy(p.data) - old_p)
        np.testing.assert_allclose(move, wanted, rtol=1e-12)


def test_schedules_worked_out_by_hand():
    schedule = exponential_decay(0.5, every=3)
    assert [schedule(k) for k in range(7)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]
    schedule = cosine_decay(4)
    wanted = [1.0, 0.5 + np.sqrt(0.125), 0.5, 0.5 - np.sqrt(0.125), 0.0, 0.0]
    np.testing.assert_allclose([schedule(k) for k in range(6)], wanted, atol=1e-15)
    schedule = cosine_decay(6, warmup=4)
    wanted = [0.25, 0.5, 0.75, 1.0, 1.0, 0.5, 0.0]
    np.testing.assert_allclose([schedule(k) for k in range(7)], wanted, atol=1e-15)


def test_schedules_say_what_they_are():
    assert repr(exponential_decay(0.9, 10)) == "exponential_decay(rate=0.9, every=10)"
    assert repr(cosine_decay(10)) == "cosine_decay(n_steps=10, warmup=0)"


def test_clipping_is_by_the_norm_of_the_whole_list(rng, to_xp, to_numpy):
    params = parameters(rng, to_xp)
    gradients = give_gradients(params, rng, to_xp)
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    before = values(params, to_numpy)
    SGD(1.0, clip_norm=0.5).step(params)
    for p, old, g in zip(params, before, gradients, strict=True):
        move = to_numpy(p.data) - old
        np.testing.assert_allclose(move, -g * (0.5 / norm), rtol=1e-9, atol=1e-12)


def test_short_gradients_are_not_clipped(rng, to_xp, to_numpy):
    params = parameters(rng, to_xp)
    copies = [Parameter(p.data.copy()) for p in params]
    give_gradients(params, rng, to_xp)
    for p, copy in zip(params, copies, strict=True):
        copy.grad = p.grad
    SGD(1.0).step(params)
    SGD(1.0, clip_norm=1e3).step(copies)
    assert_same(values(params, to_numpy), values(copies, to_numpy))


def test_clip_grad_norm_returns_the_norm_and_shortens(rng, to_xp, to_numpy):
    params = parameters(rng, to_xp)
    params.append(Parameter(to_xp(np.zeros(2))))  # without gradient
    gradients = give_gradients(params[:3], rng, to_xp)
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    np.testing.assert_allclose(clip_grad_norm(params, 2 * norm), norm, rtol=1e-13)
    assert_same([to_numpy(p.grad) for p in params[:3]], gradients)
    np.testing.assert_allclose(clip_grad_norm(params, 0.5), norm, rtol=1e-13)
    for p, g in zip(params, gradients, strict=False):
        np.testing.assert_allclose(to_numpy(p.grad), g * (0.5 / norm), rtol=1e-13)
    np.testing.assert_allclose(clip_grad_norm(params, 1.0), 0.5, rtol=1e-13)
    assert params[3].grad is None


def test_clip_grad_norm_leaves_shared_arrays_alone(to_xp, to_numpy):
    """Two parameters may hold one array as gradient; each is shortened once."""
    first, second = Parameter(to_xp(np.zeros(2))), Parameter(to_xp(np.zeros(2)))
    first.grad = second.grad = to_xp(np.array([3.0, 0.0]))
    clip_grad_norm([first, second], np.sqrt(2.0))
    np.testing.assert_allclose(to_numpy(first.grad), [1.0, 0.0], rtol=1e-14)
    np.testing.assert_allclose(to_numpy(second.grad), [1.0, 0.0], rtol=1e-14)


def test_nothing_to_clip():
    assert clip_grad_norm([], 1.0) == 0.0
    ADAM(clip_norm=1.0).step([])


# --- checks ---------------------------------------------------------------------------


@ALL
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_bad_gradients_are_found_before_anything_changes(
    rng, to_xp, to_numpy, name, bad, clip_norm
):
    params, opt = parameters(rng, to_xp), OPTIMISERS[name](clip_norm=clip_norm)
    give_and_step(opt, params, rng, to_xp)
    give_gradients(params, rng, to_xp)
    params[1].grad[2] = bad
    before, state = values(params, to_numpy), opt.state_dict(params)
    where = r"\.step: expected finite gradients, got .* in params\[1\]\.grad"
    with pytest.raises(FloatingPointError, match=where):
        opt.step(params)
    assert_same(values(params, to_numpy), before)
    after = opt.state_dict(params)
    assert after.keys() == state.keys()
    assert_same(after.values(), state.values())


def test_position_counts_parameters_without_gradient(rng, to_xp):
    params = parameters(rng, to_xp)
    give_gradients(params, rng, to_xp)
    params[0].clear_grad()
    params[2].grad[0] = np.nan
    for call in (ADAM().step, lambda params: clip_grad_norm(params, 1.0)):
        with pytest.raises(FloatingPointError, match=r"params\[2\]\.grad"):
            call(params)


def test_squares_that_overflow_are_found(to_xp, to_numpy):
    """Such a gradient would leave an infinite second moment behind for ever."""
    p = Parameter(to_xp(np.zeros(2, "float32")))
    p.accumulate(to_xp(np.full(2, 1e30, "float32")))
    with pytest.raises(FloatingPointError, match="an overflow of squares"):
        ADAM().update(p)
    np.testing.assert_array_equal(to_numpy(p.data), 0.0)


def test_clip_grad_norm_changes_no_gradient_if_one_is_bad(rng, to_xp, to_numpy):
    params = parameters(rng, to_xp)
    give_gradients(params, rng, to_xp)
    params[2].grad[0] = np.inf
    before = [to_numpy(p.grad).copy() for p in params]
    with pytest.raises(FloatingPointError, match="clip_grad_norm: expected finite"):
        clip_grad_norm(params, 1.0)
    assert_same([to_numpy(p.grad) for p in params], before)


def test_check_can_be_switched_off(rng, to_xp, to_numpy):
    p = Parameter(to_xp(np.zeros(2)))
    p.accumulate(to_xp(np.array([np.nan, 1.0])))
    SGD(1.0, check_finite=False).update(p)
    np.testing.assert_array_equal(to_numpy(p.data), [np.nan, -1.0])


def test_gradient_of_another_shape(rng, to_xp, to_numpy):
    params = parameters(rng, to_xp)
    give_gradients(params, rng, to_xp)
    params[1].grad = to_xp(np.ones(1))
    before = values(params, to_numpy)
    with pytest.raises(
        ValueError, match=r"ADAM\.step: .*params\[1\]\.grad of shape \(5"
    ):
        ADAM().step(params)
    assert_same(values(params, to_numpy), before)


def test_how_often_the_host_waits(rng, to_xp, backend, device_counters):
    """Once per call with a check or clipping, never without."""
    params = parameters(rng, to_xp)
    give_gradients(params, rng, to_xp)
    for options, wanted in [
        ({}, 1),
        ({"clip_norm": 0.1}, 1),
        ({"check_finite": False}, 0),
    ]:
        for opt in (ADAM(**options), SGD(0.1, 0.9, **options)):
            device_counters.reset()
            opt.step(params)
            counted = backend.name in ("strict", "emulated")
            assert device_counters.read()[1] == (wanted if counted else 0)


@pytest.mark.parametrize(
    ("build", "what"),
    [
        (lambda: ADAM(0.0), "ADAM: expected lr to be positive"),
        (lambda: ADAM(betas=(0.9, 1.0)), "betas from 0 to below 1"),
        (lambda: ADAM(eps=0.0), "eps to be positive"),
        (lambda: ADAM(clip_norm=0.0), "clip_norm to be positive or None"),
        (lambda: SGD(-1.0), "SGD: expected lr to be positive"),
        (lambda: SGD(1.0, 1.0), "momentum from 0 to below 1"),
        (lambda: exponential_decay(0.0), "rate to be positive"),
        (lambda: exponential_decay(0.5, 0), "every to be a positive integer"),
        (lambda: cosine_decay(0), "n_steps to be a positive integer"),
        (lambda: cosine_decay(3, 3), "warmup to be an integer from 0 to below"),
        (lambda: clip_grad_norm([], 0.0), "max_norm to be positive"),
    ],
)
def test_arguments_out_of_range(build, what):
    with pytest.raises(ValueError, match=what):
        build()


@pytest.mark.parametrize(
    ("build", "what"),
    [
        (lambda: ADAM([]), r"ADAM: expected lr .* ADAM\(\).step\(net.get_params\(\)\)"),
        (lambda: SGD("0.1"), r"SGD: expected lr .* SGD\(\).step"),
        (lambda: ADAM(True), "ADAM: expected lr to be one number, got bool"),
        (lambda: ADAM(betas=0.9), "ADAM: expected betas to be two numbers, got float"),
        (lambda: ADAM(betas=(0.9,)), "ADAM: expected betas to be two numbers"),
        (lambda: ADAM(betas=(0.9, "x")), "ADAM: expected betas to be one number"),
        (lambda: ADAM(eps="x"), "ADAM: expected eps to be one number"),
        (lambda: ADAM(clip_norm="x"), "ADAM: expected clip_norm to be one number"),
        (lambda: ADAM(schedule=0.1), "ADAM: expected schedule to be a function"),
        (lambda: SGD(1.0, "x"), "SGD: expected momentum to be one number"),
        (lambda: ADAM().load_state_dict({}, []), "load_state_dict: .* mapping made by"),
    ],
)
def test_arguments_of_other_types(build, what):
    with pytest.raises(TypeError, match=what):
        build()


def test_numbers_may_be_those_of_numpy():
    opt = ADAM(np.float32(0.5), np.array([0.5, 0.25]), np.array(0.125))
    assert (float(opt.lr), opt.betas, opt.eps) == (0.5, (0.5, 0.25), 0.125)


# --- saving ---------------------------------------------------------------------------


@ALL
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_goes_on_bit_by_bit(rng, to_xp, to_numpy, tmp_path, name, dtype):
    options = {"schedule": cosine_decay(20), "clip_norm": 2.0}
    params, opt = parameters(rng, to_xp, dtype), OPTIMISERS[name](**options)
    for _ in range(3):
        give_and_step(opt, params[:2], rng, to_xp)
    opt.lr = 0.03
    np.savez(tmp_path / "opt.npz", **opt.state_dict(params))
    copies = [Parameter(p.data.copy()) for p in params]
    resumed = OPTIMISERS[name](**options)
    give_and_step(resumed, copies, rng, to_xp)  # to be forgotten
    for p, copy in zip(params, copies, strict=True):
        copy.set(p.data)
    with np.load(tmp_path / "opt.npz", allow_pickle=False) as state:
        resumed.load_state_dict(copies, state)
    assert resumed.lr == 0.03
    for _ in range(3):
        give_gradients(params, rng, to_xp)
        for p, copy in zip(params, copies, strict=True):
            copy.grad = p.grad
        opt.step(params)
        resumed.step(copies)
    assert_same(values(params, to_numpy), values(copies, to_numpy))
    assert opt.state_dict(params)["count"].tolist() == [6, 6, 3]


def test_state_is_a_copy(rng, to_xp):
    params, opt = parameters(rng, to_xp), ADAM()
    give_and_step(opt, params, rng, to_xp)
    state = opt.state_dict(params)
    assert all(isinstance(array, np.ndarray) for array in state.values())
    saved = {key: array.copy() for key, array in state.items()}
    resumed = ADAM()
    resumed.load_state_dict(params, state)
    give_and_step(opt, params, rng, to_xp)
    give_and_step(resumed, params, rng, to_xp)
    assert_same(state.values(), saved.values())


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"count": None}, "the state of 3 parameters, got that of 0"),
        ({"count": np.zeros(2, "int64")}, "the state of 3 parameters, got that of 2"),
        ({"lr": None}, r"entry 'lr' of shape \(\), got none"),
        ({"v.1": None}, r"entry 'v.1' of shape \(5,\), got none"),
        ({"m.0": np.zeros((4, 3))}, r"entry 'm.0' of shape \(3, 4\), got \(4, 3\)"),
        ({"m.3": np.zeros(2)}, r"entry 'm.3' of shape none, got \(2,\)"),
    ],
)
def test_state_that_does_not_fit_changes_nothing(rng, to_xp, changes, what):
    params, opt = parameters(rng, to_xp), ADAM()
    give_and_step(opt, params, rng, to_xp)
    before = opt.state_dict(params)
    changed = {**before, **changes}
    state = {key: value for key, value in changed.items() if value is not None}
    with pytest.raises(ValueError, match=r"ADAM\.load_state_dict: expected " + what):
        opt.load_state_dict(params, state)
    assert_same(opt.state_dict(params).values(), before.values())


def test_state_of_another_optimiser(rng, to_xp):
    params = parameters(rng, to_xp)
    adam, sgd = ADAM(), SGD(0.1, 0.9)
    give_and_step(adam, params, rng, to_xp)
    with pytest.raises(ValueError, match=r"SGD\.load_state_dict: .*'m\.0'"):
        sgd.load_state_dict(params, adam.state_dict(params))
