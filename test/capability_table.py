"""Write docs/capabilities.rst from the cases of the registry.

``python test/capability_table.py`` rewrites the page; a test compares it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from registry import CASES

import invertiblenetworks as inn
from invertiblenetworks.testing import CHECKS, Case, Factory, prepare
from invertiblenetworks.testing.numeric import as_vector

PAGE = Path(__file__).parents[1] / "docs" / "capabilities.rst"

GROUPS = {
    "layers": "Layers",
    "networks": "Networks",
    "compose": "Compositions",
    "nets": "Nets",
}

# Column, and the check that each of its entries has passed.
OF_BIJECTIONS = {
    "forward": "noncontiguous",
    "inverse": "invertible",
    "log-det": "logdet_dense",
    "inverse log-det": "logdet_dense",
    "per-sample log-det": "logdet_option",
    "``backward``": "gradient_entries",
    "``backward_inv``": "backward_inv",
    "Jacobian, adjoint": "dense_jacobian",
    "inverse Jacobian, adjoint": "dense_jacobian",
    "``reverse``": "reverse_modes",
}
OF_NETS = {
    "forward": "noncontiguous",
    "``backward``": "gradient_entries",
    "Jacobian, adjoint": "dense_jacobian",
}

INTRODUCTION = """\
.. Written by test/capability_table.py from the cases of the tests: do not edit.

What each class can do
======================

.. currentmodule:: invertiblenetworks

This page is generated from the cases that the tests run through every check of
``invertiblenetworks.testing``, and a test compares the two: each *yes* has been checked
on small examples, against dense Jacobians and finite differences.

- A log-determinant *0* is zero in all cases: the map preserves volume.
- *Axes tested* are the numbers of spatial axes of the cases; compositions take what
  their parts take.
- *Condition* tells whether there is a gradient with respect to a condition; *no* means
  that there is a condition without one, the data and operator of an inverse problem.
"""


class Row(NamedTuple):
    """What the cases show of one class."""

    name: str
    group: str
    cells: list[str]


def public_classes() -> dict[str, type]:
    """Layers and nets of the package by name, the abstract ones included."""
    found = {name: getattr(inn, name) for name in inn.__all__}
    return {
        name: item
        for name, item in found.items()
        if inspect.isclass(item) and issubclass(item, inn.Layer)
        if item.__name__ == name
    }


def group_of(kind: type) -> str:
    """Name of the folder of the package in which a class is defined."""
    return kind.__module__.split(".")[1]


def parts_of(value: object) -> Iterator[inn.Layer]:
    """Yield a layer and all layers inside."""
    if isinstance(value, inn.Layer):
        yield value
        for child in vars(value).values():
            yield from parts_of(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from parts_of(child)


@cache
def built() -> list[tuple[Case, list[inn.Layer]]]:
    """Return every case with the layers in it, the outermost first."""
    return [(case, list(parts_of(case.build(Factory())))) for case in CASES]


def examples_of(kind: type) -> list[tuple[Case, inn.Layer]]:
    """Return the cases of a class; of one only seen inside others, those."""
    outermost = [(case, parts[0]) for case, parts in built() if type(parts[0]) is kind]
    if outermost:
        return outermost
    return [
        (case, part) for case, parts in built() for part in parts if type(part) is kind
    ]


def preserves_volume(cases: Iterable[Case]) -> bool:
    """Whether the log-determinant is zero in all cases."""
    for case in cases:
        subject = prepare(case)
        if as_vector(subject.api.log_abs_det(subject.x, subject.cond)).any():
            return False
    return True


def spatial_axes(kind: type, cases: Iterable[Case]) -> str:
    """Numbers of spatial axes of the inputs."""
    if group_of(kind) == "compose":
        return "of parts"
    shapes = [case.shape for case in cases]
    first = [shape[0] if isinstance(shape[0], tuple) else shape for shape in shapes]
    return " ".join(str(n) for n in sorted({len(shape) - 2 for shape in first}))


def condition(layers: Iterable[inn.Layer]) -> str:
    """Whether there is a condition, and whether it has a gradient."""
    kinds = {layer.cond_kind for layer in layers}
    if "array" in kinds:
        return "yes"
    return "no" if "context" in kinds else "–"


def is_checked(name: str, cases: Iterable[Case]) -> bool:
    """Whether a check applies to one of the cases at least."""
    (check,) = [check for check in CHECKS if check.name == name]
    return any(not check.reason_against(case) for case in cases)


def row(name: str, kind: type) -> Row:
    """Fill the row of a class from its cases."""
    examples = examples_of(kind)
    cases = [case for case, _ in examples]
    columns = OF_NETS if issubclass(kind, inn.Net) else OF_BIJECTIONS
    cells = {
        column: "yes" if is_checked(check, cases) else "–"
        for column, check in columns.items()
    }
    if cells.get("log-det") == "yes" and preserves_volume(cases):
        for column in ("log-det", "inverse log-det", "per-sample log-det"):
            cells[column] = "0"
    ends = [spatial_axes(kind, cases), condition(layer for _, layer in examples)]
    return Row(name, group_of(kind), [*cells.values(), *ends])


def concrete_classes() -> dict[str, type]:
    """Public classes of which there are cases."""
    return {name: kind for name, kind in public_classes().items() if examples_of(kind)}


def rst_table(columns: Iterable[str], rows: Iterable[Row]) -> list[str]:
    """Lines of a list-table."""
    lines = [".. list-table::", "   :header-rows: 1", "   :class: capabilities", ""]
    head = ["class", *columns, "axes tested", "condition"]
    for cells in [head, *([f"`{row.name}`", *row.cells] for row in rows)]:
        lines += [
            f"   {'*' if first else ' '} - {cell}"
            for first, cell in zip([True] + [False] * len(cells), cells, strict=False)
        ]
    return lines


def page() -> str:
    """Return the page."""
    rows = [row(name, kind) for name, kind in sorted(concrete_classes().items())]
    lines = [INTRODUCTION]
    for group, title in GROUPS.items():
        columns = OF_NETS if group == "nets" else OF_BIJECTIONS
        chosen = [row for row in rows if row.group == group]
        lines += [title, "-" * len(title), "", *rst_table(columns, chosen), ""]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
