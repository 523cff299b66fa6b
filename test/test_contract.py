"""Every case of the registry against every check of ``invertiblenetworks.testing``."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from registry import CASES

import invertiblenetworks as inn
from invertiblenetworks.testing import CHECKS, prepare

PAIRS = [(case, check) for case in CASES for check in CHECKS]
APPLICABLE = [
    pytest.param(case, check, id=f"{case.name}-{check.name}")
    for case, check in PAIRS
    if not check.reason_against(case)
]


@pytest.mark.parametrize(("case", "check"), APPLICABLE)
def test_contract(case, check, backend):
    gpu = backend.xp is not np
    counters = backend.counters if gpu else None
    check.run(prepare(case, gpu=gpu, counters=counters))
