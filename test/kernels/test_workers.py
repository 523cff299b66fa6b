"""Worker threads: order, errors, nesting, and what becomes of the user's BLAS."""

import contextvars
import functools
import gc
import os
import subprocess
import sys
import threading
import time
import weakref

import pytest
from blas import blas_threads
from threadpoolctl import threadpool_limits

from invertiblenetworks.kernels import workers


def test_results_come_in_the_order_of_the_tasks():
    barrier = threading.Barrier(3)

    def task(i):
        barrier.wait(timeout=30)  # Passes only if all three run at the same time.
        return i, threading.current_thread()

    with threadpool_limits(3):
        results = workers.run([lambda i=i: task(i) for i in range(3)])
    assert [i for i, _ in results] == [0, 1, 2]
    assert results[0][1] is threading.current_thread()
    assert len({thread for _, thread in results}) == 3


def test_more_tasks_than_workers():
    with threadpool_limits(2):
        assert workers.run([lambda i=i: i for i in range(9)]) == list(range(9))


def test_first_error_is_raised_when_all_are_done():
    done = threading.Event()

    def fails(text):
        raise ValueError(text)

    def slow():
        done.wait(0.05)
        done.set()

    tasks = [lambda: 1, lambda: fails("second"), slow, lambda: fails("fourth")]
    with threadpool_limits(4), pytest.raises(ValueError, match="second"):
        workers.run(tasks)
    assert done.is_set()
    assert workers.run([lambda: 1, lambda: 2]) == [1, 2]


def test_work_of_a_worker_is_not_shared_again():
    with threadpool_limits(2):
        assert workers.n_workers() == 2
        assert workers.run([workers.n_workers] * 2) == [1, 1]
        assert workers.n_workers() == 2


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_user_limits_the_workers(number):
    with threadpool_limits(number):
        assert workers.n_workers() == number
        with workers.one_blas_thread():
            assert blas_threads() == 1
            assert workers.n_workers() == number
        assert blas_threads() == number


def test_blas_is_restored_after_an_error():
    with threadpool_limits(2):
        with pytest.raises(KeyError), workers.one_blas_thread():
            raise KeyError
        assert blas_threads() == 2


def test_calls_of_two_threads_that_overlap():
    entered, left = threading.Event(), threading.Event()
    seen = {}

    def other():
        with workers.one_blas_thread():
            entered.set()
            left.wait(30)
            seen["blas"], seen["workers"] = blas_threads(), workers.n_workers()

    with threadpool_limits(2):
        thread = threading.Thread(target=other)
        with workers.one_blas_thread():
            thread.start()
            assert entered.wait(30)
        left.set()
        thread.join()
        # The first call ended while the second was under way.
        assert seen == {"blas": 1, "workers": 2}
        assert blas_threads() == 2


def test_parts_of_a_range():
    assert workers.even_parts(7, 3) == [slice(0, 2), slice(2, 4), slice(4, 7)]
    parts = workers.for_shares(5, 10, lambda part: list(range(5))[part])
    assert [item for part in parts for item in part] == [0, 1, 2, 3, 4]
    assert workers.for_shares(5, 0, lambda part: part) == [slice(0, 5)]


def test_an_interrupt_waits_for_the_workers(monkeypatch):
    finished = []

    def slow(i):
        time.sleep(0.05)
        finished.append(i)

    class Interrupted(workers._Pending):
        """The first wait is interrupted, as by Ctrl-C."""

        interrupts = 1

        def wait(self):
            if Interrupted.interrupts:
                Interrupted.interrupts = 0
                raise KeyboardInterrupt
            super().wait()

    monkeypatch.setattr(workers, "_Pending", Interrupted)
    with threadpool_limits(3), pytest.raises(KeyboardInterrupt):
        workers.run([lambda: None, lambda: slow(1), lambda: slow(2)])
    assert sorted(finished) == [1, 2]


def test_without_threads_the_caller_does_the_work(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(workers, "_threads", workers._Threads())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with threadpool_limits(2):
        assert workers.run([lambda: 1, lambda: 2]) == [1, 2]


def test_an_error_holds_no_arrays():
    class Big:
        pass

    def fails(big):
        raise MemoryError

    big = Big()
    alive = weakref.ref(big)
    task = functools.partial(fails, big)
    gc.disable()  # What only the collector could free is not free in time.
    try:
        with threadpool_limits(2):
            # Not pytest.raises, which holds on to the error.
            try:
                workers.run([task, lambda: None])
            except MemoryError:
                failed = True
        del big, task
        assert failed
        assert alive() is None
    finally:
        gc.enable()


FORK = """
import os
from threadpoolctl import threadpool_limits
from invertiblenetworks.kernels import workers

threadpool_limits(2)
assert workers.run([lambda: 1, lambda: 2]) == [1, 2]
with workers.one_blas_thread():
    child = os.fork()
    if child == 0:
        assert workers.n_workers() == 2
        assert workers.run([lambda: 3, lambda: 4]) == [3, 4]
if child == 0:
    with workers.one_blas_thread():
        assert workers.n_workers() == 2
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert workers.run([lambda: 5, lambda: 6]) == [5, 6]
"""

if hasattr(os, "fork"):  # Elsewhere there is nothing to test.

    def test_a_forked_process_has_workers_of_its_own():
        command = [sys.executable, "-c", FORK]
        done = subprocess.run(command, timeout=60, check=False)
        assert done.returncode == 0


def test_workers_see_the_context_of_the_caller():
    setting = contextvars.ContextVar("setting", default=0)
    setting.set(7)
    with threadpool_limits(2):
        assert workers.run([setting.get, setting.get]) == [7, 7]
