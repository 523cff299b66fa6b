"""Fixtures of the tests of kept states."""

import pytest
from kept_cases import Case, count_evaluations


@pytest.fixture
def case(to_xp, layer_to_xp):
    return lambda name: Case(name, to_xp, layer_to_xp)


@pytest.fixture
def evaluations(monkeypatch):
    return count_evaluations(monkeypatch)
