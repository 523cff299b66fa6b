"""Worker threads that share the work of one call, each with one BLAS thread.

NumPy lets go of the interpreter inside its loops and products, so threads that work
on different samples use all cores, for the copies and the elementwise work as well as
for the products. A BLAS that splits every product among its own threads uses them for
the products only, and its threads, which wait by spinning, are in the way of others.

With vectors it is the other way round, unless kernels are compiled. Between
two products there is little to do, and threads that meet at the interpreter after each
of them would wait for longer than it takes. So calls on vectors have no workers then,
and leave the threads of the BLAS as they are.

Their number is that of the threads the BLAS may use when a call begins: who limits
these (``OPENBLAS_NUM_THREADS``, ``threadpoolctl``) limits the workers.

Workers see the context variables of the thread that they work for.
"""

from __future__ import annotations

import contextvars
import functools
import itertools
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from typing import Any

from .._types import Array
from ..backend import get_array_module, on_host
from . import blas
from .compiled.library import compiled_kernels
from .memory import current_planner, most_workers
from .workspace import Store, stores_of_shares, using_store

Task = Callable[[], Any]


class _BlasThreads:
    """One BLAS thread per caller while any call is under way.

    The setting belongs to the process. So the first of several calls at a time, from
    whatever thread, notes what the user had set, and the last one restores it.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._n_calls = 0
        self._libraries: list = []
        self._before: list[int] = []
        self._most_before = 1

    def enter(self) -> None:
        with self._lock:
            if self._n_calls == 0:
                self._libraries = blas.libraries()
                self._before = [lib.get_num_threads() for lib in self._libraries]
                self._most_before = max(self._before, default=1)
                self._set([1] * len(self._before))
            self._n_calls += 1

    def leave(self) -> None:
        with self._lock:
            if self._n_calls == 1:
                self._set(self._before)
            # It is 0 in a process that was forked from within a call.
            self._n_calls = max(0, self._n_calls - 1)

    def forget_calls(self) -> None:
        """Restore what the user had set, in a process that has none of the calls."""
        self._lock = threading.Lock()
        if self._n_calls:
            self._set(self._before)
        self._n_calls = 0

    def allowed(self) -> int:
        with self._lock:
            if self._n_calls == 0:
                return max(
                    (lib.get_num_threads() for lib in blas.libraries()), default=1
                )
            return self._most_before

    def _set(self, numbers: list[int]) -> None:
        for library, number in zip(self._libraries, numbers, strict=True):
            if library.get_num_threads() != number:
                _let_any_thread_set(library)
                library.set_num_threads(number)
                _let_any_thread_set(library)


def _let_any_thread_set(library) -> None:
    """Newer versions of threadpoolctl obey only the first thread that set a number."""
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread(force=True)


class _Here(threading.local):
    """What this thread is doing."""

    is_worker = False


_blas = _BlasThreads()
_here = _Here()


def n_workers() -> int:
    """Number of threads among which a call that begins here may share its work.

    1 inside of a worker, whose work is not shared again, and in calls on vectors.
    """
    if _here.is_worker or _without_workers.get():
        return 1
    limit = most_workers()
    return _blas.allowed() if limit is None else min(limit, _blas.allowed())


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let products inside of the block run on the thread that asks for them."""
    _blas.enter()
    try:
        yield
    finally:
        _blas.leave()


def sharing_work(method: Callable) -> Callable:
    """Make a method share its work among workers; on vectors, leave that to the BLAS.

    What counts are the arrays among its arguments. Of calls within calls the outermost
    decides.
    """

    @functools.wraps(method)
    def inside(*args, **kwargs):
        if _without_workers.get() is not None:
            return method(*args, **kwargs)
        values = [*args[1:], *kwargs.values()]
        without = compiled_kernels() is None and _are_vectors(values)
        token = _without_workers.set(without)
        try:
            with nullcontext() if without else one_blas_thread():
                return method(*args, **kwargs)
        finally:
            _without_workers.reset(token)

    return inside


_without_workers: ContextVar[bool | None] = ContextVar("without_workers", default=None)
"""Whether the call that is under way leaves threads to the BLAS; None outside."""


def _are_vectors(values: Sequence) -> bool:
    """True unless there is an image, or a pair with one, among the values."""
    parts = itertools.chain.from_iterable(
        value if isinstance(value, tuple) else (value,) for value in values
    )
    return all(getattr(part, "ndim", 0) <= 2 for part in parts)


def run(tasks: Sequence[Task]) -> list:
    """Run tasks at the same time, one per thread; return their results in order.

    The first task runs on the calling thread. If tasks raise, all are waited for,
    then the error of the first of them is raised. Inside of a task, tasks run in turn.
    """
    if len(tasks) == 1 or _here.is_worker:
        return [task() for task in tasks]
    planner = current_planner()
    if planner is not None:
        return planner.concurrently([partial(_run_as_worker, task) for task in tasks])
    with one_blas_thread():
        stores = stores_of_shares(len(tasks))
        pending = [_Pending(*pair) for pair in zip(tasks, stores, strict=True)]
        submitted = []
        try:
            for job in pending[1:]:
                submitted.append(job)
                _threads.submit(job)
            pending[0].run()
        finally:
            # Also after an interrupt: they work in memory of this thread.
            _wait_for(submitted)
        try:
            return [job.result() for job in pending]
        finally:
            # An error refers to this frame, which would refer to the error.
            del pending, submitted, job


def _wait_for(jobs: Sequence[_Pending]) -> None:
    """Wait for all jobs; an interrupt is raised when they are done."""
    interrupt = None
    for job in jobs:
        while not job.done():
            try:
                job.wait()
            except BaseException as error:
                interrupt = error
    if interrupt is not None:
        raise interrupt


def _run_as_worker(task: Task) -> Any:
    """Run a task whose work is not to be shared."""
    was_worker, _here.is_worker = _here.is_worker, True
    try:
        return task()
    finally:
        _here.is_worker = was_worker


def even_parts(n_items: int, n_parts: int) -> list[slice]:
    """Cut a range into parts as even as can be."""
    ends = [n_items * i // n_parts for i in range(n_parts + 1)]
    return [slice(*pair) for pair in itertools.pairwise(ends)]


LEAST_NUMBERS = 2**17
"""Numbers to read for which it does not pay to wake another thread."""


def worth_of_reading(x: Array) -> int:
    """Number of threads that there is work enough for in reading an array.

    A device has its own.
    """
    return x.size // LEAST_NUMBERS if on_host(get_array_module(x)) else 1


LEAST_MULTIPLICATIONS = 2**18
"""Those for which it does not pay to ask another thread of compiled functions.

These look for work while a call is under way (``team.h``), so it takes a microsecond.
"""

PER_NUMBER = 32
"""Multiplications in the time that it takes to read a number, and write another."""


def n_parts(n_multiplications: int) -> int:
    """Number of threads that share the work of a compiled function."""
    worth = n_multiplications // LEAST_MULTIPLICATIONS
    return 1 if worth < 2 else min(worth, n_workers())


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
    parts = even_parts(n_items, max(1, min(n_items, worth, n_workers())))
    return run([partial(function, part) for part in parts])


class _Pending:
    """A task, and in time its result or its error."""

    def __init__(self, task: Task, store: Store):
        self._task, self._store = task, store
        self._context = contextvars.copy_context()
        self._done = threading.Event()
        self._value, self._error = None, None

    def run(self) -> None:
        try:
            with using_store(self._store):
                self._value = self._context.run(_run_as_worker, self._task)
        except BaseException as error:
            self._error = error
        finally:
            self._task = None  # With it go the arrays that it holds.
            self._done.set()

    def wait(self) -> None:
        self._done.wait()

    def done(self) -> bool:
        return self._done.is_set()

    def result(self):
        error, self._error = self._error, None
        if error is None:
            return self._value
        try:
            raise error
        finally:
            del error  # Its traceback refers to this frame.


class _Threads:
    """Daemon threads that take jobs from one queue; started when first needed."""

    def __init__(self):
        self._jobs: queue.SimpleQueue[_Pending] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._n_threads = 0

    def submit(self, job: _Pending) -> None:
        self._grow_to(n_workers() - 1)
        if self._n_threads:
            self._jobs.put(job)
        else:
            job.run()

    def _grow_to(self, number: int) -> None:
        with self._lock:
            while self._n_threads < max(1, number):
                name = f"invertiblenetworks-worker-{self._n_threads + 1}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    return  # The system has no more; those that run do the work.
                self._n_threads += 1

    def _work(self) -> None:
        # With OpenMP the number of threads is a setting of each thread.
        for library in blas.libraries():
            if getattr(library, "threading_layer", None) == "openmp":
                library.set_num_threads(1)
        while True:
            self._jobs.get().run()


_threads = _Threads()


def _start_afresh() -> None:
    """A forked process has none of the threads, and no call under way."""
    global _threads, _here
    _threads, _here = _Threads(), _Here()
    _blas.forget_calls()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
