"""The page of capabilities is what the cases of the registry say."""

from capability_table import (
    GROUPS,
    PAGE,
    concrete_classes,
    group_of,
    page,
    public_classes,
    row,
)

ABSTRACT = {"Bijection", "Layer", "LinearIsometry", "Net"}


def test_page_is_up_to_date():
    found = PAGE.read_text(encoding="utf-8")
    assert found == page(), "run: python test/capability_table.py"


def test_every_public_class_has_a_case_and_a_place():
    concrete = concrete_classes()
    assert set(public_classes()) - set(concrete) == ABSTRACT
    assert {group_of(kind) for kind in concrete.values()} == set(GROUPS)


def test_rows_tell_differences():
    rows = {name: row(name, kind).cells for name, kind in concrete_classes().items()}
    assert rows["ActNorm"] == ["yes"] * 10 + ["0 1 2 3", "–"]
    assert rows["HaarLayer"][2:5] == ["0"] * 3
    assert rows["ConditionalLayerGlow"][-1] == "yes"
    assert rows["NetworkLoop"][-1] == "no"
    assert rows["ResidualBlock"] == ["yes"] * 3 + ["0 1 2 3", "–"]
