"""Facts about saving and loading: what comes back, metadata, and the file."""

import json
import os

import numpy as np
import pytest
from io_cases import affine, assert_same, contents, glow, initialised

import invertiblenetworks as inn
from invertiblenetworks import ActNorm, Chain, ResidualBlock, ShuffleLayer, __version__
from invertiblenetworks.io import load, save
from invertiblenetworks.optim import ADAM


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.npz"


# --- what comes back ------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fresh_network_is_ready_for_inverse(
    rng, to_xp, to_numpy, layer_to_xp, path, dtype
):
    net = layer_to_xp(glow(dtype=dtype))
    x = initialised(net, rng, to_xp)
    z, _ = net.forward(x)
    save(path, net)
    fresh = layer_to_xp(glow(rng=1, dtype=dtype))
    load(path, fresh)
    assert_same(contents(net, to_numpy), contents(fresh, to_numpy))
    np.testing.assert_array_equal(to_numpy(fresh.inverse(z)), to_numpy(net.inverse(z)))


def test_values_go_into_the_arrays_that_are_there(rng, to_xp, layer_to_xp, path):
    """So that views, and the moments of an optimiser, stay valid."""
    net = layer_to_xp(glow())
    initialised(net, rng, to_xp)
    save(path, net)
    arrays = [p.data for p in net.get_params()]
    load(path, net)
    assert all(p.data is a for p, a in zip(net.get_params(), arrays, strict=True))


def test_values_move_to_the_device_of_the_layer(
    rng, xp, to_xp, to_numpy, layer_to_xp, path
):
    host, other = glow(), layer_to_xp(glow(rng=1))
    initialised(host, rng, lambda array: array)
    save(path, host)
    load(path, other)
    assert all(isinstance(p.data, xp.ndarray) for p in other.get_params())
    assert_same(contents(host, lambda array: array), contents(other, to_numpy))
    save(path, other)
    back = glow(rng=2)
    load(path, back)
    assert all(isinstance(p.data, np.ndarray) for p in back.get_params())


def test_parameters_without_values_stay_so(path):
    save(path, glow(rng=0))
    fresh = glow(rng=1)
    load(path, fresh)
    loaded = contents(fresh, lambda array: array)
    assert_same(contents(glow(rng=0), lambda array: array), loaded)
    assert any(values is None for values in loaded.values())


def test_shared_parameters_are_saved_once(path):
    layer = affine()
    layer.s.data[...] = 3.0
    save(path, Chain(layer, layer))
    again = affine()
    load(path, Chain(again, again))
    np.testing.assert_array_equal(again.s.data, 3.0)


def test_nets_and_layers_without_parameters(path):
    for build in (
        lambda seed: ResidualBlock(2, 3, rng=seed),
        lambda seed: ShuffleLayer(),
    ):
        save(path, build(0), note="x")
        layer = build(1)
        assert load(path, layer) == {"note": "x"}
        assert_same(*(contents(net, np.asarray) for net in (layer, build(0))))


def test_gradients_are_left_alone(path):
    layer = affine()
    save(path, layer)
    layer.s.grad = gradient = np.ones((1, 2))
    load(path, layer)
    assert layer.s.grad is gradient
    assert layer.b.grad is None


# --- metadata -------------------------------------------------------------------------


def test_metadata_come_back(path):
    metadata = {
        "epoch": 3,
        "losses": [1.5, float("inf"), -2],
        "name": "Größe, 大きさ",
        "nested": {"a": None, "b": [True, {"c": []}]},
        "path": "also a name",
        "layer": "and this",
    }
    save(path, ActNorm(2), **metadata)
    assert load(path, ActNorm(2)) == metadata
    assert load(path, ActNorm(2))["losses"][2] == -2


def test_arrays_among_the_metadata(rng, to_xp, path):
    latent = rng.normal(size=(2, 3)).astype("float32")
    metadata = {"latent": to_xp(latent), "deep": [{"mask": np.array([True, False])}]}
    save(path, ActNorm(2), **metadata)
    loaded = load(path, ActNorm(2))
    np.testing.assert_array_equal(loaded["latent"], latent)
    assert loaded["latent"].dtype == np.float32
    assert isinstance(loaded["latent"], np.ndarray)
    np.testing.assert_array_equal(loaded["deep"][0]["mask"], [True, False])


def test_numpy_scalars_become_numbers(path):
    numbers = {"a": np.float32(0.5), "b": np.int64(7), "c": np.bool_(True)}
    save(path, ActNorm(2), **numbers)
    assert load(path, ActNorm(2)) == {"a": 0.5, "b": 7, "c": True}


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, np.array([None, "x"]), [1, {"a": lambda: 0}]]
)
def test_metadata_that_cannot_be_kept(path, value):
    save(path, ActNorm(2), epoch=1)
    with pytest.raises(TypeError, match="save: expected metadata of numbers, texts"):
        save(path, ActNorm(2), thing=value)
    assert load(path, ActNorm(2)) == {"epoch": 1}


def test_whole_training_resumes_from_one_file(rng, path):
    """Parameters, moments and the state of the generator: the same numbers follow."""

    def train(net, opt, source, n_steps):
        for _ in range(n_steps):
            x = source.normal(size=(4, 1, 4, 4)).astype("float32")
            z, _ = net.forward(x)
            net.backward(z / 4, z)
            opt.step(net.get_params())
            net.clear_grad()

    net, opt, source = glow(dtype="float32"), ADAM(1e-2), np.random.default_rng(1)
    train(net, opt, source, 3)
    state = source.bit_generator.state
    save(path, net, adam=opt.state_dict(net.get_params()), generator=state)
    train(net, opt, source, 3)

    again, opt_again = glow(rng=5, dtype="float32"), ADAM(1e-2)
    metadata = load(path, again)
    opt_again.load_state_dict(again.get_params(), metadata["adam"])
    source_again = np.random.default_rng()
    source_again.bit_generator.state = metadata["generator"]
    train(again, opt_again, source_again, 3)
    assert_same(*(contents(n, np.asarray) for n in (net, again)))


# --- the file -------------------------------------------------------------------------


def test_file_is_an_npz_without_pickle(path):
    net = glow()
    save(path, net, epoch=3)
    with np.load(path, allow_pickle=False) as file:
        header = json.loads(str(file["header"]))
        arrays = {name for name in file if name.startswith("params/")}
    assert (header["format"], header["format_version"]) == ("invertiblenetworks", 1)
    assert header["package_version"] == __version__
    assert header["metadata"] == {"epoch": 3}
    entry = {"shape": [4], "dtype": "float64", "initialized": False}
    params = net.named_params()
    (name, _) = next((n, p) for n, p in params.items() if not p.initialized)
    assert header["params"].keys() == params.keys()
    assert header["params"][name] == entry
    assert arrays == {f"params/{n}" for n, p in params.items() if p.initialized}


def test_name_of_the_file_is_used_as_it_is(tmp_path):
    save(str(tmp_path / "net"), ActNorm(2), epoch=1)
    assert os.listdir(tmp_path) == ["net"]
    assert load(str(tmp_path / "net"), ActNorm(2)) == {"epoch": 1}


@pytest.mark.parametrize("broken", ["write_array", "replace"])
def test_failed_save_leaves_the_old_file(tmp_path, path, monkeypatch, broken):
    save(path, ActNorm(2), epoch=1)

    def fail(*args, **kwargs):
        raise OSError("disk full")

    module = os if broken == "replace" else np.lib.format
    monkeypatch.setattr(module, broken, fail)
    with pytest.raises(OSError, match="disk full"):
        save(path, ActNorm(2), epoch=2)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["net.npz"]
    assert load(path, ActNorm(2)) == {"epoch": 1}


def test_metadata_come_before_the_network(tmp_path):
    options = {"n_in": 2, "n_hidden": 3, "L": 1, "K": 1, "ndims": 1}
    net = inn.NetworkGlow(**options, rng=0)
    inn.save(tmp_path / "net.npz", net, options=options)
    again = inn.NetworkGlow(**inn.load_metadata(tmp_path / "net.npz")["options"], rng=1)
    inn.load(tmp_path / "net.npz", again)
    pairs = zip(net.get_params(), again.get_params(), strict=True)
    assert all((p.data == q.data).all() for p, q in pairs if p.initialized)


def test_the_key_that_stands_for_arrays_is_refused(tmp_path):
    with pytest.raises(TypeError, match="save: expected metadata without the key"):
        inn.save(tmp_path / "net.npz", inn.ActNorm(2), note=[{"__array__": 1}])
    assert not list(tmp_path.iterdir())
