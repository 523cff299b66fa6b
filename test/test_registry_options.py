"""Every option of every public class is given another value than its default once."""

from __future__ import annotations

import inspect
from collections import defaultdict

import pytest
from registry import CASES

import invertiblenetworks as inn
from invertiblenetworks.testing import Factory

OF_THE_BATTERY = {
    "self",
    "dtype",  # every case runs in both
    "rng",  # every case is drawn
    "logdet",  # switched on in every case, and off by the check ``logdet_option``
}
ONE_VALUE = {"s2"}
"""The second convolution must keep the size, so its stride can only be 1."""

CLASSES = {
    item.__name__: item
    for item in (getattr(inn, name) for name in inn.__all__)
    if inspect.isclass(item) and issubclass(item, inn.Layer)
    if "__init__" in vars(item)
}


def options_of(kind: type) -> set[str]:
    return set(inspect.signature(kind.__init__).parameters) - OF_THE_BATTERY - ONE_VALUE


@pytest.fixture(scope="module")
def given():
    """Names of the arguments that cases give to each class, by its name."""
    found: dict[str, set[str]] = defaultdict(set)
    with pytest.MonkeyPatch.context() as patch:
        for name, kind in CLASSES.items():
            patch.setattr(kind, "__init__", recording(kind, found[name]))
        for case in CASES:
            case.build(Factory())
    return found


def recording(kind: type, names: set[str]):
    original = kind.__init__
    signature = inspect.signature(original)

    def init(self, *arguments, **options):
        if type(self) is kind:
            bound = signature.bind(self, *arguments, **options).arguments
            for name, value in bound.items():
                default = signature.parameters[name].default
                same = type(value) is type(default) and value == default
                if value is not default and not same:
                    names.add(name)
        original(self, *arguments, **options)

    return init


def test_there_are_classes_with_options():
    assert {"NetworkGlow", "CouplingLayerHINT", "ResidualBlock"} <= set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_every_option_meets_the_battery(name, given):
    assert not options_of(CLASSES[name]) - given[name]
