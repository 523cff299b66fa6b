"""How a memory limit is given, and what is tried to keep it."""

import numpy as np
import pytest

import invertiblenetworks as inn
from invertiblenetworks import memory_limit
from invertiblenetworks.kernels import memory
from invertiblenetworks.planning.limits import (
    LEAST_PIECE_BYTES,
    MOST_TILE_DIVISOR,
    SHARED_PIECE_BYTES,
    SHARED_TILE_DIVISOR,
    ladder,
)


@pytest.mark.parametrize(
    ("value", "n_bytes"),
    [
        (7, 7),
        (np.int64(7), 7),
        ("7 B", 7),
        ("1.5 kB", 1500),
        (" 2 MiB ", 2**21),
        ("2MiB", 2**21),
        ("1e3 kB", 10**6),
        (15e6, 15 * 10**6),
        (np.float64(7.5), 7),
        ("1 GB", 10**9),
        ("1 TB", 10**12),
        ("0.5 TiB", 2**39),
    ],
)
def test_forms_of_a_limit(value, n_bytes):
    assert memory.as_bytes(value) == n_bytes


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        0.5,
        np.inf,
        np.nan,
        "0 B",
        "7",
        "7 mb",
        "x MiB",
        "nan B",
        "inf B",
        "B",
        "",
    ],
)
def test_limits_that_are_none(value):
    with pytest.raises(ValueError, match="memory_limit: expected"), memory_limit(value):
        pass
    x = np.ones((2, 3, 4, 4), "float32")
    with pytest.raises(ValueError, match="memory_limit: expected"):
        inn.ActNorm(3).forward(x, memory_limit=value)


@pytest.mark.parametrize("value", [1j, True, (1,)])
def test_limits_of_another_type(value):
    with pytest.raises(TypeError, match="memory_limit: expected"), memory_limit(value):
        pass


def test_none_is_no_limit_also_inside_of_one():
    x = np.ones((2, 3, 4, 4), "float32")
    with memory_limit(10):
        with memory_limit(None):
            inn.ActNorm(3).forward(x)
        with pytest.raises(MemoryError):
            inn.ActNorm(3).forward(x)


def test_the_ladder_goes_from_generous_to_frugal():
    rungs = list(ladder(3))
    assert rungs[0] == memory.Settings(memory.PIECE_BYTES, 1, 3)
    assert {rung.most_workers for rung in rungs} == {3, 1}
    of_three = [rung for rung in rungs if rung.most_workers == 3]
    assert of_three == rungs[: len(of_three)]
    assert of_three[-1] == memory.Settings(SHARED_PIECE_BYTES, SHARED_TILE_DIVISOR, 3)
    of_one = [rung for rung in rungs if rung.most_workers == 1]
    assert of_one[-1] == memory.Settings(LEAST_PIECE_BYTES, MOST_TILE_DIVISOR, 1)
    sizes = [rung.piece_bytes / rung.tile_divisor for rung in of_one]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(of_one)) == len(of_one)
