"""``python -m invertiblenetworks`` from end to end, and what can go wrong."""

import re
import subprocess
import sys

import pytest
from matplotlib.image import imread

from invertiblenetworks.demo import command
from invertiblenetworks.demo.training import Settings

FAST = ["--quick", "--steps", "4", "--width", "4", "--depth", "1"]


def test_quick_run_writes_everything(tmp_path, capsys):
    out, overview = tmp_path / "new" / "folder", tmp_path / "elsewhere" / "all.png"
    arguments = ["--quick", "--out", str(out), "--overview", str(overview)]
    assert command.main(arguments) == 0
    names = ["network.npz", "reconstructions.png", "samples.png", "training.png"]
    assert sorted(path.name for path in out.iterdir()) == names
    for path in (*out.glob("*.png"), overview):
        assert imread(path).std() > 0.05
    printed = capsys.readouterr()
    for path in (*out.iterdir(), overview):
        assert str(path) in printed.out
    bits = dict(re.findall(r"^  ([A-Za-z -]+?) +(\d\.\d{3})$", printed.out, re.M))
    assert list(bits) == ["independent pixels", "full-covariance Gaussian", "Glow"]
    assert float(bits["Glow"]) < 6.8 < float(bits["independent pixels"]) < 8.0
    assert "MiB" in printed.out
    assert "validation" in printed.err  # the progress bar


def test_a_saved_network_gives_the_same_figures(tmp_path, capsys):
    saved = str(tmp_path / "network.npz")
    command.main([*FAST, "--out", str(tmp_path)])
    trained = capsys.readouterr().out
    again = tmp_path / "again"
    command.main([*FAST, "--load", saved, "--out", str(again), "--temperature", "0.5"])
    loaded = capsys.readouterr().out
    assert _line(loaded, "  Glow ") == _line(trained, "  Glow ")
    written = sorted(path.name for path in again.iterdir())
    assert written == ["reconstructions.png", "samples.png"]


def _line(text, start):
    return next(line for line in text.splitlines() if line.startswith(start))


def test_options_change_the_settings():
    parse = command.make_parser().parse_args
    assert command.choose_settings(parse([])) == Settings()
    assert command.choose_settings(parse(["--quick"])) == command.QUICK
    chosen = command.choose_settings(parse(["--learning-rate", "0.1", "--depth", "9"]))
    assert (chosen.learning_rate, chosen.depth) == (0.1, 9)
    assert chosen.steps == Settings().steps


def test_every_setting_is_an_option():
    assert list(command.SETTINGS) == list(Settings.__dataclass_fields__)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--steps", "0"], "argument --steps: expected more than 0, got 0"),
        (["--steps", "many"], "argument --steps: invalid int value: 'many'"),
        (["--temperature", "nan"], "expected more than 0, got nan"),
        (["--load", "a", "--overview", "b"], "--load does not train"),
    ],
)
def test_wrong_options(arguments, text, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        command.main([*arguments, "--out", str(tmp_path)])
    assert stop.value.code == 2
    assert text in capsys.readouterr().err


def test_wrong_files(tmp_path, capsys):
    table = tmp_path / "table.npz"
    table.write_text("no network")
    for file, text in ((table, "complete file"), (tmp_path / "none.npz", "none.npz")):
        with pytest.raises(SystemExit) as stop:
            command.main([*FAST, "--load", str(file), "--out", str(tmp_path)])
        assert stop.value.code == 1
        error = capsys.readouterr().err
        assert error.startswith("python -m invertiblenetworks: ")
        assert text in error


def test_a_network_of_other_options_is_refused(tmp_path, capsys):
    command.main([*FAST, "--out", str(tmp_path)])
    saved = str(tmp_path / "network.npz")
    with pytest.raises(SystemExit):
        command.main([*FAST, "--depth", "2", "--load", saved, "--out", str(tmp_path)])
    assert "Build the layer with the arguments it had" in capsys.readouterr().err


def _python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("package", ["matplotlib", "tqdm"])
def test_missing_extras_are_named_at_once(package):
    result = _python(
        f"import runpy, sys; sys.modules[{package!r}] = None;"
        "runpy.run_module('invertiblenetworks', run_name='__main__')"
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"python -m invertiblenetworks: {package} is needed and not installed. "
        "Install it with: pip install 'invertiblenetworks[examples]'\n"
    )


def test_other_import_errors_are_not_hidden():
    result = _python(
        "import runpy, sys; sys.modules['pywt.data'] = None;"
        "runpy.run_module('invertiblenetworks', run_name='__main__')"
    )
    assert "Traceback" in result.stderr
    assert "invertiblenetworks[examples]" not in result.stderr


def test_the_package_does_not_import_the_example():
    result = _python(
        "import sys, invertiblenetworks;"
        "names = {name.split('.')[0] for name in sys.modules};"
        "assert not names & {'matplotlib', 'tqdm'}, names;"
        "assert 'invertiblenetworks.demo' not in sys.modules"
    )
    assert result.returncode == 0, result.stderr
