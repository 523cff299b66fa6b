"""Sums of the cotangents that threads found for the same parameters."""

import numpy as np
import pytest

import invertiblenetworks as inn
from invertiblenetworks.base.linearize import Collector


@pytest.fixture
def parameters(to_xp):
    return [inn.Parameter(to_xp(np.zeros(3))) for _ in range(2)]


def collected(parameter, cotangent):
    collector = Collector()
    collector(parameter, cotangent)
    return collector


def test_merged_in_place(parameters, xp, to_numpy):
    first = collected(parameters[0], xp.ones(3))
    address = id(first.items()[0][1])
    second = collected(parameters[0], xp.full(3, 2.0))
    second(parameters[1], xp.full(3, 5.0))
    first.merge(second)
    (_, sum_of_both), (_, only_of_second) = first.items()
    assert id(sum_of_both) == address
    np.testing.assert_array_equal(to_numpy(sum_of_both), [3, 3, 3])
    np.testing.assert_array_equal(to_numpy(only_of_second), [5, 5, 5])


def test_what_others_hold_is_left_alone(parameters, xp, to_numpy):
    held, both = xp.ones(3), xp.ones((2, 3))
    for cotangent in (held, both[1], both.reshape(6)[:3]):
        first = collected(parameters[0], cotangent)
        first.merge(collected(parameters[0], xp.full(3, 2.0)))
        np.testing.assert_array_equal(to_numpy(first.items()[0][1]), [3, 3, 3])
    np.testing.assert_array_equal(to_numpy(held), [1, 1, 1])
    np.testing.assert_array_equal(to_numpy(both), np.ones((2, 3)))


def test_one_array_for_two_parameters(parameters, xp, to_numpy):
    first = Collector()
    cotangent = xp.ones(3)
    for parameter in parameters:
        first(parameter, cotangent)
    del cotangent
    first.merge(collected(parameters[0], xp.full(3, 2.0)))
    sums = [to_numpy(cotangent) for _, cotangent in first.items()]
    np.testing.assert_array_equal(sums, [[3, 3, 3], [1, 1, 1]])


def test_types_are_promoted(parameters, xp):
    first = collected(parameters[0], xp.ones(3, "float32"))
    first.merge(collected(parameters[0], xp.ones(3)))
    assert first.items()[0][1].dtype == np.float64
