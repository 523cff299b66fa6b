"""The checks find what they are there to find: a zoo of wrong layers and nets.

On NumPy, whatever the backend, where nothing else is said: what is tested are checks.
"""

from __future__ import annotations

import numpy as np
import pytest
from zoo import BROKEN_LAYERS, BROKEN_NETS
from zoo.broken_privacy import DEVICE
from zoo.faults import SHAPE, case_of
from zoo.twins import Scale, ScaleFromData, Shift, Square

from invertiblenetworks import ActNorm
from invertiblenetworks.testing import CHECKS, Case, prepare

BY_NAME = {check.name: check for check in CHECKS}
TWINS = [
    case_of(Scale),
    case_of(ScaleFromData),
    case_of(Shift, cond_shape=SHAPE),
    case_of(Square),
]

BITES = [
    pytest.param(broken.case, BY_NAME[name], id=f"{kind} {broken.case.name}-{name}")
    for kind, zoo in (("layer", BROKEN_LAYERS), ("net", BROKEN_NETS))
    for broken in zoo
    for name in broken.caught_by
]
CORRECT = [
    pytest.param(case, check, id=f"{case.name}-{check.name}")
    for case in TWINS
    for check in CHECKS
    if not check.reason_against(case)
]


@pytest.mark.parametrize(("case", "check"), BITES)
def test_fault_is_found(case, check):
    assert check.reason_against(case) == ""
    with pytest.raises(AssertionError) as caught:
        check.run(prepare(case, counters=DEVICE))
    message = str(caught.value)
    assert "should be at most" in message or message.startswith("violated: ")


@pytest.mark.parametrize(("case", "check"), CORRECT)
def test_correct_twin_passes(case, check):
    assert str(check.run(prepare(case, counters=DEVICE)))


def test_every_check_has_a_fault_to_find():
    for twins, zoo in ((TWINS[:3], BROKEN_LAYERS), (TWINS[3:], BROKEN_NETS)):
        applicable = {
            check.name
            for check in CHECKS
            for twin in twins
            if not check.reason_against(twin)
        }
        assert applicable == {name for broken in zoo for name in broken.caught_by}
    assert {check.name for check in CHECKS} == {
        name for broken in BROKEN_LAYERS for name in broken.caught_by
    }


class Synchronising(ActNorm):
    """Looks at a number, for which a GPU must wait."""

    def _inverse(self, y, cond):
        if float(abs(y).max()) == 0.0:
            return y, 0.0 * y[:, 0]
        return super()._inverse(y, cond)


def test_synchronisation_is_found_on_the_doubles(backend):
    case = Case("Synchronising", lambda f: Synchronising(3, dtype=f.dtype), (2, 3))
    subject = prepare(case, gpu=backend.xp is not np, counters=backend.counters)
    check = BY_NAME["no_synchronisation"]
    if backend.name in ("strict", "emulated"):
        with pytest.raises(AssertionError, match="inverse: waits, copies to host"):
            check.run(subject)
    else:  # Nothing is counted, neither on NumPy nor on a real GPU.
        check.run(subject)
