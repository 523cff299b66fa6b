"""Memory of gradients that nobody holds any more."""

import threading
import tracemalloc

import numpy as np
import pytest
from compiled_cases import COMPILED

import invertiblenetworks as inn
from invertiblenetworks.kernels.loans import Loans
from invertiblenetworks.kernels.workspace import (
    LEAST_LOAN,
    empty_gradient,
    keeping_gradients,
    release_workspaces,
    stores_of_shares,
    using_store,
)

FLOAT = np.dtype("float32")
LIKE = np.zeros(1, FLOAT)


def start(array):
    return array.__array_interface__["data"][0]


def open_loans():
    loans = Loans()
    loans.takes_back = True
    return loans


def test_memory_is_lent_again_once_nobody_holds_it():
    loans = open_loans()
    first, second = loans.empty((4, 3), FLOAT), loans.empty((4, 3), FLOAT)
    assert (first.shape, first.dtype, second.shape) == ((4, 3), FLOAT, (4, 3))
    assert not np.shares_memory(first, second)
    assert first.flags.writeable
    assert first.flags.c_contiguous
    assert loans.nbytes == 0
    place = start(first)
    del first
    assert loans.nbytes == 48
    assert start(loans.empty((4, 3), FLOAT)) == place


@pytest.mark.parametrize(
    "part", [lambda a: a[1:], lambda a: a.T, lambda a: a.view("int32"), memoryview]
)
def test_a_part_of_an_array_holds_all_of_it(part):
    loans = open_loans()
    held = part(loans.empty((4, 3), FLOAT))
    assert loans.nbytes == 0
    assert not np.shares_memory(loans.empty((4, 3), FLOAT), np.asarray(held))
    assert loans.nbytes == 48
    del held
    assert loans.nbytes == 96


def test_memory_is_taken_back_only_when_told_so():
    loans = Loans()
    loans.empty((10,), FLOAT)
    assert loans.nbytes == 0
    loans.takes_back = True
    loans.empty((10,), FLOAT)
    assert loans.nbytes == 40


def test_there_is_never_more_than_was_lent_at_one_time():
    loans = open_loans()
    held = [loans.empty((n,), FLOAT) for n in (10, 20, 20)]
    del held
    assert loans.nbytes == 200
    again = [loans.empty((n,), FLOAT) for n in (20, 10, 20)]
    assert loans.nbytes == 0
    del again
    other = loans.empty((15,), FLOAT)
    assert 60 <= 200 - loans.nbytes < 60 + 80
    del other
    assert loans.nbytes <= 200
    loans.takes_back = False
    for n in range(100, 110):
        loans.empty((n,), FLOAT)
    assert loans.nbytes == 0


def test_what_is_lent_while_memory_is_let_go_comes_back():
    loans = open_loans()
    held = loans.empty((10,), FLOAT)
    loans.release()
    del held
    assert loans.nbytes == 40
    loans.release()
    assert loans.nbytes == 0


def test_shapes_and_types_are_not_mixed_up():
    for shape, dtype in (((2, 6), FLOAT), ((4, 3), np.dtype("int32"))):
        loans = open_loans()
        loans.empty((4, 3), FLOAT)
        other = loans.empty(shape, dtype)
        assert (other.shape, other.dtype) == (shape, dtype)


def test_memory_may_come_back_from_another_thread():
    loans = open_loans()
    held = [loans.empty((10,), FLOAT) for _ in range(100)]
    threads = [threading.Thread(target=held.pop) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loans.nbytes == 4000


def test_small_gradients_are_as_any_array():
    release_workspaces()
    small = empty_gradient((LEAST_LOAN // 4 - 1,), LIKE)
    large = empty_gradient((LEAST_LOAN // 4,), LIKE)
    assert small.flags.owndata
    with keeping_gradients():
        del small, large
    assert release_workspaces() == LEAST_LOAN
    assert release_workspaces() == 0


def test_only_gradients_that_are_forgotten_are_kept():
    release_workspaces()
    first = empty_gradient((LEAST_LOAN,), LIKE)
    second = empty_gradient((LEAST_LOAN,), LIKE)
    with keeping_gradients():
        with keeping_gradients():
            pass
        del first
    del second
    assert release_workspaces() == 4 * LEAST_LOAN


def test_nothing_is_kept_after_a_block_that_failed():
    release_workspaces()
    gradient = empty_gradient((LEAST_LOAN,), LIKE)
    with pytest.raises(KeyError), keeping_gradients():
        raise KeyError
    del gradient
    assert release_workspaces() == 0


def test_each_thread_and_each_share_of_its_work_keeps_its_own():
    release_workspaces()
    first, second = stores_of_shares(2)
    with using_store(second):
        held = [empty_gradient((LEAST_LOAN,), LIKE) for _ in range(2)]

    def forget():
        with keeping_gradients():
            held.pop()

    other = threading.Thread(target=forget)
    other.start()
    other.join()
    assert release_workspaces() == 0
    forget()
    assert (first.nbytes, second.nbytes) == (0, 4 * LEAST_LOAN)


def test_memory_of_the_cpu_is_not_lent_to_a_device(xp):
    release_workspaces()
    gradient = empty_gradient((LEAST_LOAN,), xp.asarray(LIKE))
    assert isinstance(gradient, xp.ndarray)
    assert (gradient.shape, gradient.dtype) == ((LEAST_LOAN,), FLOAT)
    with keeping_gradients():
        del gradient
    assert release_workspaces() == (4 * LEAST_LOAN if xp is np else 0)


def wide_glow():
    net = inn.NetworkGlow(8, 512, L=1, K=2, ndims=0, rng=0)
    return net, np.random.default_rng(0).random((16, 8), FLOAT)


def square_glow():
    net = inn.NetworkGlow(1, 128, L=1, K=2, k2=3, p2=1, rng=0)
    return net, np.random.default_rng(0).random((2, 1, 8, 8), FLOAT)


def gradients_of_step(net, x):
    net.clear_grad()
    z, _ = net.forward(x)
    net.backward(z / len(z), z)
    return net.get_grads()


def large(gradients):
    return [g for g in gradients if g.nbytes >= LEAST_LOAN]


@pytest.mark.parametrize(
    "build", [pytest.param(wide_glow, marks=COMPILED), square_glow]
)
def test_gradients_of_the_next_step_are_in_the_same_memory(build):
    net, x = build()
    release_workspaces()
    places = {start(g) for g in large(gradients_of_step(net, x))}
    n_bytes = sum(g.nbytes for g in large(net.get_grads()))
    net.clear_grad()
    assert stores_of_shares(1)[0].gradients.nbytes == n_bytes
    assert places == {start(g) for g in large(gradients_of_step(net, x))}
    assert len(places) == 2


def test_gradients_that_somebody_holds_stay_as_they_are():
    net, x = wide_glow()
    held = gradients_of_step(net, x)
    parts = [g[..., 1:] for g in gradients_of_step(net, 2 * x)]
    before = [g.copy() for g in held], [g.copy() for g in parts]
    for factor in (3, 4):
        gradients_of_step(net, factor * x)
    for arrays, copies in zip((held, parts), before, strict=True):
        for array, copy in zip(arrays, copies, strict=True):
            np.testing.assert_array_equal(array, copy)


@COMPILED
def test_gradients_that_add_up_are_not_kept_besides():
    net, x = wide_glow()
    release_workspaces()
    gradients_of_step(net, x)
    kept = release_workspaces()
    for _ in range(3):
        z, _ = net.forward(x)
        net.backward(z / len(z), z)
    assert release_workspaces() == kept


@COMPILED
def test_a_step_allocates_no_gradients_after_the_first():
    net, x = wide_glow()
    gradients_of_step(net, x)
    n_bytes = sum(g.nbytes for g in large(net.get_grads()))
    net.clear_grad()
    tracemalloc.start()
    try:
        gradients_of_step(net, x)
        assert tracemalloc.get_traced_memory()[1] < n_bytes / 2
        net.clear_grad()
        release_workspaces()
        tracemalloc.reset_peak()
        gradients_of_step(net, x)
        assert tracemalloc.get_traced_memory()[1] > n_bytes
    finally:
        tracemalloc.stop()
