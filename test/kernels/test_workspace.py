"""Memory that is used again."""

import platform
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest
from compiled_cases import COMPILED

from invertiblenetworks.kernels.workspace import (
    LINE,
    Lease,
    empty_result,
    passing_results,
    release_workspaces,
    scratch,
    scratch_rows,
)

LIKE = np.zeros(1, "float32")


def start(array):
    return array.__array_interface__["data"][0]


def test_a_role_has_one_memory_per_thread():
    release_workspaces()
    first = scratch("role", (4, 3), LIKE)
    assert (first.shape, first.dtype) == ((4, 3), "float32")
    assert start(scratch("role", (2, 2), LIKE)) == start(first)
    assert start(scratch("other", (2, 2), LIKE)) != start(first)
    found = []
    other = threading.Thread(target=lambda: found.append(scratch("role", (4,), LIKE)))
    other.start()
    other.join()
    assert start(found[0]) != start(first)
    assert scratch("role", (100,), LIKE).size == 100


def test_scratch_memory_of_the_cpu_is_not_handed_to_a_device(backend):
    on_cpu = scratch("role", (4, 3), LIKE)
    elsewhere = scratch("role", (4, 3), backend.xp.asarray(LIKE))
    assert isinstance(elsewhere, backend.xp.ndarray)
    assert start(scratch("role", (4, 3), LIKE)) == start(on_cpu)


def test_a_lease_of_the_cpu_is_not_handed_to_a_device(backend):
    release_workspaces()
    place = start(Lease((8,), LIKE).array)
    elsewhere = Lease((4,), backend.xp.asarray(LIKE))
    assert isinstance(elsewhere.array, backend.xp.ndarray)
    del elsewhere
    assert start(Lease((8,), LIKE).array) == place


def test_a_lease_is_used_again_only_when_it_is_over():
    release_workspaces()
    first, second = Lease((5,), LIKE), Lease((4,), LIKE)
    assert not np.shares_memory(first.array, second.array)
    place = start(first.array)
    del first
    third = Lease((2, 2), LIKE)
    assert start(third.array) == place
    assert third.array.shape == (2, 2)


def test_results_that_are_passed_on_are_in_memory_that_is_used_again():
    release_workspaces()
    with passing_results():
        first, second = (empty_result((5,), LIKE) for _ in range(2))
        assert not np.shares_memory(first, second)
    with passing_results():
        third = empty_result((5,), LIKE)
    assert start(third) in (start(first), start(second))
    assert (third.shape, third.dtype) == ((5,), "float32")
    assert release_workspaces() == 40


def test_other_results_are_fresh():
    release_workspaces()
    with passing_results():
        passed = empty_result((5,), LIKE)
    assert not np.shares_memory(empty_result((5,), LIKE), passed)
    assert release_workspaces() == 20


def test_results_of_a_block_inside_of_another_end_with_it():
    with passing_results():
        outer = empty_result((5,), LIKE)
        with passing_results():
            inner = empty_result((5,), LIKE)
        again = empty_result((5,), LIKE)
    assert not np.shares_memory(outer, inner)
    assert start(again) == start(inner)


def test_results_do_not_take_memory_that_is_far_too_large():
    release_workspaces()
    del Lease((1000,), LIKE).array
    with passing_results():
        empty_result((5,), LIKE)
    assert release_workspaces() == 4020


def test_only_results_on_the_cpu_are_in_memory_that_is_used_again(xp):
    release_workspaces()
    with passing_results():
        result = empty_result((5,), xp.asarray(LIKE))
    assert isinstance(result, xp.ndarray)
    assert result.shape == (5,)
    assert release_workspaces() == (20 if xp is np else 0)


def test_release_counts_the_bytes():
    release_workspaces()
    scratch("role", (10,), LIKE)
    del Lease((5,), LIKE).array
    assert release_workspaces() == 40 + 20
    assert release_workspaces() == 0


def test_memory_begins_with_a_line_of_the_cache():
    release_workspaces()
    leases = [Lease((n,), LIKE) for n in (1, 100, 10**5)]
    starts = [start(lease.array) for lease in leases]
    starts += [start(scratch(f"role {n}", (n,), LIKE)) for n in (1, 100, 10**5)]
    assert all(place % LINE == 0 for place in starts)


def test_gaps_are_zero_at_first():
    release_workspaces()
    scratch("role", (100,), LIKE)[...] = np.nan
    rows = scratch_rows("role", 3, 16, LIKE)
    assert rows.shape == (3, 32)
    assert (rows[:, 16:] == 0).all()
    rows[...] = 5
    assert (scratch_rows("role", 3, 16, LIKE) == 5).all()


def test_gaps_are_zero_where_they_begin_earlier():
    """Rows of 17 and of 20 columns are as far apart."""
    release_workspaces()
    scratch_rows("role", 3, 20, LIKE)[...] = np.nan
    rows = scratch_rows("role", 3, 17, LIKE)
    assert rows.shape == scratch_rows("other", 3, 20, LIKE).shape
    assert (rows[:, 17:] == 0).all()


def test_old_memory_goes_before_new_memory_comes():
    release_workspaces()
    scratch_rows("role", 1000, 100, LIKE)
    tracemalloc.start()
    try:
        before = scratch_rows("role", 1001, 100, LIKE).nbytes
        tracemalloc.reset_peak()
        after = scratch_rows("role", 2000, 100, LIKE).nbytes
        assert before < tracemalloc.get_traced_memory()[1] < after + before / 2
    finally:
        tracemalloc.stop()


FAULTS = """
import resource
import sys
import numpy as np
from invertiblenetworks import NetworkGlow

n_hidden, *shape = map(int, sys.argv[1:])
net = NetworkGlow(shape[1], n_hidden, L=1, K=4, ndims=len(shape) - 2, rng=0)
x = np.random.default_rng(0).random(shape, "float32")
net.initialize(x[:64].copy())

def faults_of_steps(number):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(number):
        net.clear_grad()
        z, _ = net.forward(x)
        net.backward(z / len(z), z)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults_of_steps(3)
print(faults_of_steps(10))
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="about the C library of GNU"
)
@pytest.mark.parametrize(
    ("n_hidden", "shape"),
    [
        pytest.param(8, (1024, 64), id="states of vectors"),
        pytest.param(768, (64, 64), id="gradients", marks=COMPILED),
    ],
)
def test_arrays_of_a_step_stay_in_memory(n_hidden, shape):
    """In a process that has done nothing else; a step has dozens of them."""
    command = [sys.executable, "-c", FAULTS, *map(str, (n_hidden, *shape))]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(printed.stdout) < 500
