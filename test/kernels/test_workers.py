"""Worker threads: order, errors, nesting, and what becomes of the user's BLAS."""

import threading

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from invertiblenetworks.kernels import workers


def blas_threads():
    found = {
        library["num_threads"]
        for library in threadpool_info()
        if library["user_api"] == "blas"
    }
    (number,) = found
    return number


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
