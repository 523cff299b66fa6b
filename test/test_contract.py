"""Every case of the registry against every check of ``invertiblenetworks.testing``."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest
from registry import CASES

import invertiblenetworks as inn
from invertiblenetworks.testing import CHECKS, Factory, prepare

BY_NAME = {check.name: check for check in CHECKS}
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


def test_names_are_unique():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_every_check_applies_to_many_cases(check):
    reasons = [check.reason_against(case) for case in CASES]
    assert reasons.count("") >= 20


def test_what_is_left_out():
    """Only for these reasons; a check that is left out for all of a kind shows here."""
    found = {check.reason_against(case) for case, check in PAIRS}
    assert found == {
        "",
        "a net has no inverse",
        "no parameters",
        "not differentiable everywhere, so no Taylor order",
        "nothing depends on the first batch",
        "output and input differ in shape",
        "a context cannot be cut into samples",
    }


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.exclude], ids=lambda case: case.name
)
def test_what_is_excluded_would_fail(case):
    """No exclusion outlives its reason."""
    for name in case.exclude:
        rest = {k: v for k, v in case.exclude.items() if k != name}
        check = BY_NAME[name.split(":")[0]]
        with pytest.raises(AssertionError):
            check.run(prepare(replace(case, exclude=rest)))


def parts_of(value):
    """Everything of this package that a layer is made of: layers, activations, splits.

    Not what they hold of others: an operator may know all of its array library.
    """
    if isinstance(value, list | tuple):
        for item in value:
            yield from parts_of(item)
    elif type(value).__module__.split(".")[0] == inn.__name__:
        yield value
        yield from parts_of(list(getattr(value, "__dict__", {}).values()))


def public_kinds():
    """Public classes that do something: not the abstract ones."""
    bases = (inn.Layer, inn.Transformer, inn.Activation)
    abstract = {inn.Layer, inn.Net, inn.Bijection, inn.LinearIsometry, inn.Transformer}
    for name in inn.__all__:
        kind = getattr(inn, name)
        if inspect.isclass(kind) and issubclass(kind, bases):
            if kind not in abstract and not inspect.isabstract(kind):
                yield kind


def test_every_public_class_has_a_case():
    found = {type(part) for case in CASES for part in parts_of(case.build(Factory()))}
    missing = [kind.__name__ for kind in public_kinds() if kind not in found]
    assert not missing
    assert len(list(public_kinds())) > 25
