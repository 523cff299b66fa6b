"""Files that do not fit a layer, or are damaged: a clear error, the layer unchanged."""

import io
import json
import zipfile

import numpy as np
import pytest
from io_cases import affine, assert_same, contents, glow, initialised

from invertiblenetworks import ActNorm, Conv1x1, NetworkGlow
from invertiblenetworks.io import load, save


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.npz"


def rewrite(path, change=None, **entries):
    """Change the header, or entries, of a saved file."""
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    if change is not None:
        header = json.loads(str(arrays["header"]))
        change(header)
        arrays["header"] = np.array(json.dumps(header))
    arrays.update(entries)
    arrays = {name: array for name, array in arrays.items() if array is not None}
    np.savez(path, **arrays)


def saved_glow(path, rng):
    net = glow()
    initialised(net, rng, lambda array: array)
    save(path, net)
    return net


@pytest.mark.parametrize(
    ("build", "error", "what"),
    [
        (lambda: glow(K=2), ValueError, r"one without \['layers.*and with \[\]"),
        (lambda: glow(L=1), ValueError, r"one without \[\] and with \['layers"),
        (lambda: NetworkGlow(1, 4, 2, 1, dtype="float64"), ValueError, "of shape"),
        (lambda: glow(dtype="float32"), TypeError, "of type float32, got float64"),
        (lambda: Conv1x1(2), ValueError, "Build the layer with the arguments"),
    ],
)
def test_layer_that_does_not_fit_is_left_as_it_was(rng, path, build, error, what):
    saved_glow(path, rng)
    other = build()
    before = contents(other, np.asarray)
    with pytest.raises(error, match="load: expected .*" + what):
        load(path, other)
    assert_same(before, contents(other, np.asarray))


def test_file_without_values_for_a_layer_with(rng, path):
    save(path, glow())
    net = glow(rng=1)
    initialised(net, rng, lambda array: array)
    before = contents(net, np.asarray)
    with pytest.raises(
        ValueError, match=r"load: expected values for .*before the first"
    ):
        load(path, net)
    assert_same(before, contents(net, np.asarray))


def test_wrong_arguments(path):
    with pytest.raises(TypeError, match="save: expected a layer as second argument"):
        save(path, [np.zeros(2)])
    save(path, ActNorm(2))
    with pytest.raises(TypeError, match="load: expected a layer as second argument"):
        load(path, ActNorm(2).get_params())
    with pytest.raises(FileNotFoundError):
        load(path.with_name("other.npz"), ActNorm(2))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda h: h.update(format_version=2), "got version 2 of package .*Update"),
        (
            lambda h: h.update(format="else"),
            "of format 'invertiblenetworks', got 'else'",
        ),
        (lambda h: h.pop("format"), "another or damaged"),
        (lambda h: h.pop("params"), "another or damaged"),
        (lambda h: h.update(params=[1]), "another or damaged"),
        (lambda h: h["params"]["s"].pop("shape"), "another or damaged"),
        (lambda h: h["params"].pop("s"), r"one without \['s'\]"),
        (lambda h: h["params"]["s"].update(shape=[3]), r"s of shape \(1, 2\), got"),
        (lambda h: h.update(metadata={"__array__": "x"}), "another or damaged"),
    ],
)
def test_header_that_is_not_right(path, change, what):
    save(path, affine())
    rewrite(path, change)
    with pytest.raises(ValueError, match="load: expected .*" + what):
        load(path, affine())


@pytest.mark.parametrize("values", [None, np.zeros(3), np.array([["a", "b"]])])
def test_array_that_is_not_as_the_header_says(path, values):
    save(path, affine())
    rewrite(path, **{"params/b": values})
    layer = affine()
    before = contents(layer, np.asarray)
    with pytest.raises(ValueError, match=r"load: .*another or damaged"):
        load(path, layer)
    assert_same(before, contents(layer, np.asarray))


def test_files_of_others(path):
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    pickled = io.BytesIO()
    np.savez(pickled, header=np.array([{"a": 1}]))
    plain = io.BytesIO()
    np.savez(plain, weights=np.zeros(3))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("readme.txt", "hello")
    for other in (
        b"",
        b"hello",
        *(f.getvalue() for f in (buffer, pickled, plain, archive)),
    ):
        path.write_bytes(other)
        with pytest.raises(ValueError, match=r"load: .*another or damaged"):
            load(path, ActNorm(2))


def test_truncated_file(rng, path):
    saved_glow(path, rng)
    content = path.read_bytes()
    net = glow(rng=1)
    before = contents(net, np.asarray)
    for length in range(0, len(content), 97):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"load: .*another or damaged"):
            load(path, net)
    assert_same(before, contents(net, np.asarray))


def test_damaged_file_is_refused_or_harmless(path):
    """Wherever a byte is changed: a clear error, or the right values."""
    layer = affine()
    layer.s.data[...] = [[3.0, 4.0]]
    save(path, layer, epoch=3)
    content, errors = path.read_bytes(), []
    for position in range(0, len(content), 5):
        damaged = bytearray(content)
        damaged[position] ^= 0x41
        path.write_bytes(damaged)
        again = affine()
        try:
            assert load(path, again) == {"epoch": 3}
            assert_same(contents(layer, np.asarray), contents(again, np.asarray))
        except ValueError as error:
            assert_same(contents(affine(), np.asarray), contents(again, np.asarray))
            errors.append(str(error))
    assert all("another or damaged" in error for error in errors)
    assert len(errors) > 0.8 * len(content) / 5


def test_places_where_no_file_can_be(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"save: .*new/a.npz'. Make the folder"):
        save(tmp_path / "new" / "a.npz", affine())
    with pytest.raises(IsADirectoryError, match=r"save: .* got a folder, "):
        save(tmp_path, affine())
    assert list(tmp_path.iterdir()) == []
