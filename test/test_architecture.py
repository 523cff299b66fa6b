"""The rules on which module may do what, read from the sources themselves."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from pathlib import Path

import pytest
from registry import CASES

import invertiblenetworks
from invertiblenetworks import Layer, Transformer, base
from invertiblenetworks.testing import Factory

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "invertiblenetworks"

# A module may import from those above its own line, and from its own folder.
LEVELS = [
    {"_types", "errors"},
    {"backend"},
    {"kernels"},
    {"parameter"},
    {"init"},
    {"base"},
    {"nets", "transformers", "compose"},
    {"layers"},
    {"networks"},
    {
        *("objectives", "optim", "operators", "io", "datasets", "planning"),
        "three_dimensional",
    },
    {"testing"},
    {"demo"},
    {"__main__"},
]
LEVEL_OF = {unit: level for level, units in enumerate(LEVELS) for unit in units}

FRAMEWORKS = {"torch", "tensorflow", "keras", "jax", "flax", "mxnet", "paddle"}
MAX_LINES = 400


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_modules(path: Path) -> list[str]:
    """Full names of what a file imports, wherever in the file; relative ones too."""
    inside = path.is_relative_to(PACKAGE)
    package = path.parent.relative_to(ROOT).parts if inside else ()
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *filter(None, [node.module])])
            # ``from . import x`` may name a module: it is counted as one.
            found += [f"{module}.{alias.name}" for alias in node.names]
    return found


def unit_of(path: Path) -> str:
    """Name in LEVELS of a file: its folder in the package, or its own name."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


PACKAGE_FILES = sources("invertiblenetworks")
PLACED_FILES = [path for path in PACKAGE_FILES if path != PACKAGE / "__init__.py"]


@pytest.mark.parametrize("path", PLACED_FILES, ids=relative)
def test_imports_point_downwards(path):
    unit = unit_of(path)
    assert unit in LEVEL_OF, f"give {unit} a place in LEVELS"
    for module in imported_modules(path):
        first, *rest = module.split(".")
        if first != "invertiblenetworks":
            continue
        if rest[0] not in LEVEL_OF:
            # A name of the package itself, which is everything below the demo.
            whole = rest != ["__version__"]
            assert not whole or unit in ("demo", "__main__"), (
                f"{relative(path)}: {module}"
            )
            continue
        allowed = rest[0] == unit or LEVEL_OF[rest[0]] < LEVEL_OF[unit]
        assert allowed, f"{relative(path)} imports {module}, which is not below it"


@pytest.mark.parametrize("path", PACKAGE_FILES, ids=relative)
def test_only_the_backend_imports_cupy(path):
    roots = {module.split(".")[0] for module in imported_modules(path)}
    if path != PACKAGE / "backend.py":
        assert not roots & {"cupy", "cupyx"}
    assert not roots & FRAMEWORKS


def test_the_import_check_sees_every_form(tmp_path):
    path = tmp_path / "m.py"
    path.write_text("def f():\n    import cupy.cuda as c\n    from torch import nn\n")
    assert imported_modules(path) == ["cupy.cuda", "torch.nn"]
    chain = imported_modules(PACKAGE / "compose" / "chain.py")
    assert "invertiblenetworks.base.Bijection" in chain


@pytest.mark.parametrize(
    "path", sources("invertiblenetworks", "test", "examples", "docs"), ids=relative
)
def test_files_are_short(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES, f"{relative(path)} has {lines} lines"


def test_networks_are_recipes():
    """Classes in networks/ have a docstring and a constructor, and nothing else."""
    for path in sources("invertiblenetworks/networks"):
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                names = [getattr(statement, "name", "?") for statement in body]
                assert names in ([], ["__init__"]), f"{node.name} defines {names}"


def test_top_level_of_the_repository():
    visible = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    required = {"setup.cfg", "setup.py", "README.md", "LICENSE"}
    required |= {"invertiblenetworks", "test", "examples", "docs"}
    made_by_tools = {"build", "dist", "glow-patches", "invertiblenetworks.egg-info"}
    assert required <= visible
    assert visible <= required | made_by_tools


# --- public names ---------------------------------------------------------------------


def documented_names() -> tuple[set[str], set[str]]:
    """Return (full names in docs/api, modules documented as a whole)."""
    names, modules, current = set(), set(), ""
    directive = re.compile(r"^\s*\.\. (\w+):: (\S+)$")
    for page in sorted((ROOT / "docs" / "api").glob("*.rst")):
        for line in page.read_text(encoding="utf-8").splitlines():
            match = directive.match(line)
            if match is None:
                continue
            kind, argument = match.groups()
            if kind == "currentmodule":
                current = argument
            elif kind == "automodule":
                modules.add(argument)
            elif kind.startswith("auto"):
                names.add(f"{current}.{argument}")
    return names, modules


def test_all_is_what_is_documented():
    prefix = "invertiblenetworks."
    names, _ = documented_names()
    top = {name.removeprefix(prefix) for name in names if name.count(".") == 1}
    assert top == set(invertiblenetworks.__all__)
    assert len(invertiblenetworks.__all__) == len(set(invertiblenetworks.__all__))


def exported_by_submodules() -> list[tuple[str, str]]:
    """(module, name) for each entry of an ``__all__`` in the package."""
    found = []
    for path in PLACED_FILES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        for node in tree(path).body:
            targets = getattr(node, "targets", [])
            if [getattr(target, "id", "") for target in targets] == ["__all__"]:
                found += [(module, name) for name in ast.literal_eval(node.value)]
    return found


@pytest.mark.parametrize(("module", "name"), exported_by_submodules())
def test_names_of_submodules_are_documented(module, name):
    names, modules = documented_names()
    in_docs = module in modules or f"{module}.{name}" in names
    assert in_docs or name in invertiblenetworks.__all__


@pytest.mark.parametrize("name", sorted(invertiblenetworks.__all__))
def test_public_classes_and_functions_have_a_docstring(name):
    item = getattr(invertiblenetworks, name)
    if inspect.isclass(item) or inspect.isfunction(item):
        assert vars(item).get("__doc__") if inspect.isclass(item) else item.__doc__


# --- the registry ---------------------------------------------------------------------


def parts_of(layer):
    """A layer, and whatever it is made of."""
    yield layer
    for value in getattr(layer, "__dict__", {}).values():
        for part in value if isinstance(value, list | tuple) else (value,):
            if isinstance(part, Layer | Transformer):
                yield from parts_of(part)


def public_classes(kind: type) -> set[type]:
    """Public classes of one kind, without the abstract ones that define it."""
    abstract = {*base.__all__, "Transformer"}
    names = set(invertiblenetworks.__all__) - abstract
    items = {getattr(invertiblenetworks, name) for name in names}
    return {item for item in items if inspect.isclass(item) and issubclass(item, kind)}


def test_every_public_class_is_in_the_registry():
    layers = [case.build(Factory()) for case in CASES]
    missing = public_classes(Layer) - {type(layer) for layer in layers}
    assert not missing, "give each a Case in test/registry"
    used = {type(part) for layer in layers for part in parts_of(layer)}
    assert not public_classes(Transformer) - used
