"""Worker threads that share the work of one call, each with one BLAS thread.

NumPy lets go of the interpreter inside its loops and products, so threads that work
on different samples use all cores, for the copies and the elementwise work as well as
for the products. A BLAS that splits every product among its own threads uses them for
the products only, and its threads, which wait by spinning, are in the way of others.

Their number is that of the threads the BLAS may use when a call begins: who limits
these (``OPENBLAS_NUM_THREADS``, ``threadpoolctl``) limits the workers.
"""

from __future__ import annotations

import functools
import itertools
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from threadpoolctl import ThreadpoolController

Task = Callable[[], Any]


class _BlasThreads:
    """One BLAS thread per caller while any call is under way.

    The setting belongs to the process. So the first of several calls at a time, from
    whatever thread, notes what the user had set, and the last one restores it.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._n_calls = 0
        self._before: list[int] = []

    def enter(self) -> None:
        with self._lock:
            if self._n_calls == 0:
                self._before = [lib.get_num_threads() for lib in _blas_libraries()]
                self._set([1] * len(self._before))
            self._n_calls += 1

    def leave(self) -> None:
        with self._lock:
            self._n_calls -= 1
            if self._n_calls == 0:
                self._set(self._before)

    def allowed(self) -> int:
        with self._lock:
            if self._n_calls == 0:
                return max(
                    (lib.get_num_threads() for lib in _blas_libraries()), default=1
                )
            return max(self._before, default=1)

    def _set(self, numbers: list[int]) -> None:
        for library, number in zip(_blas_libraries(), numbers, strict=True):
            if library.get_num_threads() != number:
                _let_any_thread_set(library)
                library.set_num_threads(number)
                _let_any_thread_set(library)


@functools.cache
def _blas_libraries() -> list:
    return ThreadpoolController().select(user_api="blas").lib_controllers


def _let_any_thread_set(library) -> None:
    """Newer versions of threadpoolctl obey only the first thread that set a number."""
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread(force=True)


_blas = _BlasThreads()
_here = threading.local()


def n_workers() -> int:
    """Number of threads among which a call that begins here may share its work.

    1 inside of a worker: its work is not shared again.
    """
    return 1 if getattr(_here, "is_worker", False) else _blas.allowed()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let products inside of the block run on the thread that asks for them."""
    _blas.enter()
    try:
        yield
    finally:
        _blas.leave()


def with_one_blas_thread(method: Callable) -> Callable:
    """Make a method call run in `one_blas_thread`."""

    @functools.wraps(method)
    def inside(*args, **kwargs):
        with one_blas_thread():
            return method(*args, **kwargs)

    return inside


def run(tasks: Sequence[Task]) -> list:
    """Run tasks at the same time, one per thread; return their results in order.

    The first task runs on the calling thread. If tasks raise, all are waited for,
    then the error of the first of them is raised.
    """
    if len(tasks) == 1:
        return [tasks[0]()]
    with one_blas_thread():
        pending = [_Pending(task) for task in tasks]
        for job in pending[1:]:
            _threads.submit(job)
        pending[0].run()
        for job in pending:
            job.wait()
        return [job.result() for job in pending]


def even_parts(n_items: int, n_parts: int) -> list[slice]:
    """Cut a range into parts as even as can be."""
    ends = [n_items * i // n_parts for i in range(n_parts + 1)]
    return [slice(*pair) for pair in itertools.pairwise(ends)]


def for_shares(n_items: int, worth: int, function: Callable[[slice], Any]) -> list:
    """Call a function on parts of a range, one part for each worker.

    Parameters
    ----------
    n_items : int
        Length of the range.
    worth : int
        Number of threads that there is work enough for.
    function : callable
        Takes a slice of the range.

    Returns
    -------
    list
        What it returned, in order.
    """
    n_parts = max(1, min(n_items, worth, n_workers()))
    parts = even_parts(n_items, n_parts)
    return run([functools.partial(function, part) for part in parts])


class _Pending:
    """A task, and in time its result or its error."""

    def __init__(self, task: Task):
        self._task = task
        self._done = threading.Event()
        self._value, self._error = None, None

    def run(self) -> None:
        was_worker = getattr(_here, "is_worker", False)
        _here.is_worker = True
        try:
            self._value = self._task()
        except BaseException as error:
            self._error = error
        finally:
            _here.is_worker = was_worker
            self._task = None  # With it go the arrays that it holds.
            self._done.set()

    def wait(self) -> None:
        self._done.wait()

    def result(self):
        if self._error is not None:
            raise self._error
        return self._value


class _Threads:
    """Daemon threads that take jobs from one queue; started when first needed."""

    def __init__(self):
        self._jobs: queue.SimpleQueue[_Pending] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._n_threads = 0

    def submit(self, job: _Pending) -> None:
        self._grow_to(n_workers() - 1)
        self._jobs.put(job)

    def _grow_to(self, number: int) -> None:
        with self._lock:
            while self._n_threads < max(1, number):
                self._n_threads += 1
                name = f"invertiblenetworks-worker-{self._n_threads}"
                threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        # With OpenMP the number of threads is a setting of each thread.
        for library in _blas_libraries():
            if getattr(library, "threading_layer", None) == "openmp":
                library.set_num_threads(1)
        while True:
            self._jobs.get().run()


_threads = _Threads()


def _start_afresh() -> None:
    """A forked process has none of the threads, and no call under way."""
    global _threads, _blas
    _threads, _blas = _Threads(), _BlasThreads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
