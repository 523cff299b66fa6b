"""What the README promises: two commands, and a script that runs as printed."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Contents of the fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_first_two_commands_do_everything():
    example, tests = blocks("bash")[:2]
    for command in (example, tests):
        assert command.count("\n") == 1, "one line"
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert example.endswith('".[examples]" && .venv/bin/python -m invertiblenetworks\n')
    assert tests.endswith('".[test]" && .venv/bin/python -m pytest\n')


def test_commands_are_on_the_first_screen():
    assert README.index(blocks("bash")[1]) < README.index("\n## ")


def test_extras_exist():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    known = set(setup["options.extras_require"])
    mentioned = re.findall(r'"(?:\.|invertiblenetworks)\[([\w,]+)\]"', README)
    assert mentioned
    assert {name for names in mentioned for name in names.split(",")} <= known


def test_script_does_what_it_says(tmp_path, monkeypatch):
    (script,) = blocks("python")
    assert len([line for line in script.splitlines() if line.strip()]) <= 25
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(script, "README.md", "exec"), names)
    # The optimum of the printed loss is the entropy less log(2 pi): exactly 1.
    assert 0.9 < np.mean(names["losses"][-50:]) < 1.1
    assert names["error"] < 1e-3
    assert names["samples"].shape == (1000, 2)
    assert names["log_density"].shape == (1000,)
    accumulated = names["net"].get_grads()
    assert names["gradient"].shape == (sum(g.size for g in accumulated),)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", re.findall(r"\]\((?!https?:)([^)#]+)", README))
def test_links_lead_somewhere(path):
    assert (ROOT / path).exists()
