"""The names of the original for volumes."""

import inspect

import numpy as np
import pytest

import invertiblenetworks as inn
from invertiblenetworks import three_dimensional

SMALL = {"dtype": "float64", "rng": 0}

# Positional arguments of each, and the channels of its arrays and condition.
CALLS = {
    "ResidualBlock3D": ((2, 3), [2], None),
    "CouplingLayerBasic3D": ((2, 3), [2, 2], None),
    "CouplingLayerGlow3D": ((2, 3), [2], None),
    "CouplingLayerHINT3D": ((8, 3), [8], None),
    "CouplingLayerIRIM3D": ((2, 3), [2], None),
    "HyperbolicLayer3D": ((2, 3, 1, 1), [2, 2], None),
    "ConditionalLayerGlow3D": ((2, 3, 3), [2], 3),
    "ConditionalLayerHINT3D": ((2, 3), [2, 2], None),
    "NetworkGlow3D": ((2, 3, 2, 1), [2], None),
    "NetworkConditionalGlow3D": ((2, 3, 3, 1, 2), [2], 3),
    "NetworkConditionalHINT3D": ((2, 3, 2), [2, 2], None),
    "NetworkMultiScaleHINT3D": ((1, 2, 1, 1), [1], None),
    "NetworkMultiScaleConditionalHINT3D": ((1, 2, 1, 1), [1, 1], None),
    "NetworkHyperbolic3D": ((1, ((-1, 3), (1, 2))), [1, 1], None),
    "NetworkLoop3D": ((2, 3, 2), [1, 1], "operator"),
}


def test_every_name_is_exported_and_tried():
    assert set(three_dimensional.__all__) == set(CALLS)
    assert set(CALLS) == {name for name in inn.__all__ if name.endswith("3D")}


def volume(n_channels, rng):
    return rng.normal(size=(2, n_channels, 4, 4, 4))


def condition(cond, rng):
    if cond == "operator":
        return rng.normal(size=(2, 5)), rng.normal(size=(5, 64)) / 20
    return () if cond is None else (volume(cond, rng),)


@pytest.mark.parametrize("name", CALLS)
def test_runs_on_a_volume(name, rng, to_xp, to_numpy, layer_to_xp):
    arguments, channels, cond = CALLS[name]
    layer = layer_to_xp(getattr(inn, name)(*arguments, **SMALL))
    plain = getattr(inn, name.removesuffix("3D"))
    assert type(layer) is plain
    cond = [to_xp(array) for array in condition(cond, rng)]
    x = [to_xp(volume(c, rng)) for c in channels]
    out = layer.forward(*x, *cond)
    if name == "ResidualBlock3D":
        assert out.shape == x[0].shape
        return
    y = out if isinstance(out, tuple) else (out,)
    x_again = layer.inverse(*y[: len(x)], *cond)
    x_again = x_again if isinstance(x_again, tuple) else (x_again,)
    for found, wanted in zip(x_again, x, strict=True):
        np.testing.assert_allclose(to_numpy(found), to_numpy(wanted), atol=1e-11)


@pytest.mark.parametrize("name", CALLS)
def test_says_what_it_is(name):
    build = getattr(inn, name)
    plain = getattr(inn, name.removesuffix("3D"))
    assert build.__name__ == name
    assert f"``{plain.__name__}``" in build.__doc__
    wanted = dict(inspect.signature(plain).parameters)
    del wanted["ndims"]
    assert dict(inspect.signature(build).parameters) == wanted


def test_parameters_are_those_of_the_class():
    layer = inn.CouplingLayerGlow3D(4, 3, k1=1, p1=0, **SMALL)
    same = inn.CouplingLayerGlow(4, 3, k1=1, p1=0, ndims=3, **SMALL)
    for found, wanted in zip(layer.get_params(), same.get_params(), strict=True):
        np.testing.assert_array_equal(found.data, wanted.data)
    with pytest.raises(TypeError, match="ndims"):
        inn.CouplingLayerGlow3D(4, 3, ndims=2)
