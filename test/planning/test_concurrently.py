"""What runs at the same time is counted as such, though it runs in turn."""

from __future__ import annotations

import threading

import pytest

from invertiblenetworks.planning.phantom_module import PhantomModule


def allocate(xp, *sizes):
    """Hold arrays of these numbers of bytes, one after the other; keep the last."""
    for size in sizes:
        array = xp.empty(size, "uint8")
    return array


def test_peaks_of_what_runs_at_the_same_time_add_up():
    xp = PhantomModule()
    held = xp.empty(10_000, "uint8")
    xp.memory.start()
    results = xp.concurrently(
        [lambda: allocate(xp, 50_000, 1000), lambda: allocate(xp, 30_000, 2000)]
    )
    assert [len(r) for r in results] == [1000, 2000]
    # Each holds its second array before it lets go of the first.
    assert xp.memory.extra_peak == pytest.approx(51_000 + 32_000, abs=1000)
    assert xp.memory.current == pytest.approx(13_000, abs=1000)
    assert len(held) == 10_000


def test_an_earlier_peak_is_kept():
    xp = PhantomModule()
    xp.memory.start()
    allocate(xp, 100_000)
    xp.concurrently([lambda: len(allocate(xp, 1000))] * 3)
    assert xp.memory.extra_peak == pytest.approx(100_000, abs=500)
    xp.concurrently([lambda: len(allocate(xp, 90_000))] * 3)
    assert xp.memory.extra_peak == pytest.approx(270_000, abs=1500)


def test_concurrent_work_inside_of_concurrent_work():
    xp = PhantomModule()
    xp.memory.start()

    def outer():
        return xp.concurrently([lambda: len(allocate(xp, 10_000))] * 2)

    assert xp.concurrently([outer, outer, outer]) == [[10_000, 10_000]] * 3
    assert xp.memory.extra_peak == pytest.approx(60_000, abs=3000)


def test_an_error_in_concurrent_work_leaves_the_count_right():
    xp = PhantomModule()

    def fail():
        raise KeyError("x")

    with pytest.raises(KeyError):
        xp.concurrently([lambda: len(allocate(xp, 1000)), fail])
    assert xp.memory.current == 0
    assert xp.store is xp.store


def test_every_worker_keeps_memory_of_its_own():
    xp = PhantomModule()

    def work():
        if "role" not in xp.store.by_role:
            xp.store.by_role["role"] = xp.empty(5000, "uint8")
            xp.store.free.append(xp.empty(300, "uint8"))
        return len(xp.store.free)

    assert xp.concurrently([work, work]) == [1, 1]
    assert xp.memory.current == pytest.approx(10_600, abs=1000)
    assert xp.concurrently([work, work]) == [1, 1]
    assert xp.memory.current == pytest.approx(10_600, abs=1000)
    assert "role" in xp.store.by_role  # The caller is the first of the workers.


def test_steps_that_tell_the_peak_of_a_loop():
    representative = PhantomModule().representative
    assert representative(range(1000)) == [0, 1, 999]
    assert representative("ab") == ["a", "b"]
    assert representative("") == []
    assert representative([3, 1, 4, 1, 5, 2], size=abs) == [3, 5, 2]


def test_results_of_a_loop_count_though_not_all_are_there():
    xp = PhantomModule()
    xp.memory.start()
    sizes = [7000, *[10_000] * 997, 10_100, 3000]
    results = xp.keeping(sizes, lambda size: xp.empty(size, "uint8"), int)
    assert len(results) == 3
    assert xp.memory.current == pytest.approx(sum(sizes), rel=0.03)
    assert xp.memory.extra_peak == pytest.approx(xp.memory.current, abs=1000)
    del results
    assert xp.memory.current == 0


def test_short_loops_are_run_in_full():
    xp = PhantomModule()
    for n in range(4):
        results = xp.keeping(range(n), lambda i: xp.empty(1000 + i, "uint8"), int)
        assert [len(r) for r in results] == [1000 + i for i in range(n)]
        assert results.of_others is None


def test_one_module_may_be_used_in_another_thread():
    found = []

    def work():
        xp = PhantomModule()
        xp.empty(10**6, "uint8")
        found.append(xp.memory.peak)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found[0] >= 10**6
