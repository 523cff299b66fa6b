"""What a layer finds among its attributes, and that all of it is checked."""

from __future__ import annotations

import numpy as np
import pytest

import invertiblenetworks as inn
from invertiblenetworks.base import layer as layers
from invertiblenetworks.base import pieces


class Shy(list):
    def __bool__(self):
        return False


class Holder(inn.Chain):
    """Parameters in all places where they are looked for."""

    def __init__(self):
        super().__init__(inn.ActNorm(3))
        self.by_name = {"a": inn.Parameter(np.ones(1, "f")), "b": {}}
        self.several = (1, [inn.Parameter(np.ones(2, "f"))], None, [])
        self.shy = Shy([inn.Parameter(np.ones(3, "f"))])


def test_both_walks_find_the_same():
    holder = Holder()
    named = holder.named_params()
    names = ["layers.0.s", "layers.0.b", "by_name.a", "several.1.0", "shy.0"]
    assert list(named) == names
    found = holder.get_params()
    assert all(a is b for a, b in zip(found, named.values(), strict=True))


@pytest.mark.parametrize("name", ["by_name.a", "several.1.0", "shy.0", "layers.0.b"])
def test_all_parameters_are_of_one_kind(name, rng):
    holder, x = Holder(), rng.standard_normal((4, 3)).astype("f")
    holder.forward(x)
    holder.named_params()[name].convert(lambda a: a.astype("float64"))
    with pytest.raises(TypeError, match=r"parameters of one kind, float32.*float64"):
        holder.forward(x)


def test_parameters_without_values_are_seen(rng):
    holder, x = Holder(), rng.standard_normal((4, 3)).astype("f")
    holder.forward(x)
    holder.by_name["a"] = inn.Parameter(shape=(1,), dtype="float32")
    with pytest.raises(inn.NotInitializedError, match=r"no values yet for by_name\.a"):
        holder.backward(x, x)


def test_types_made_on_the_fly_are_not_kept(monkeypatch):
    holder, known = Holder(), layers._Roles()
    monkeypatch.setattr(layers, "_ROLES", known)
    monkeypatch.setattr(known, "MOST", 10)
    for _ in range(50):
        holder.other = type("Made", (list,), {})([inn.Parameter(np.ones(1))])
        assert len(holder.get_params()) == 6
    assert len(known) == 10


class Reshaping(inn.Net):
    """What it does to the form of its argument is its own business."""

    def _linearize(self, x, cond):
        shape = x.shape
        x.shape = (len(x), -1)
        x.flags.writeable = False
        return np.tanh(x).reshape(shape), lambda dy, add_grad: (0 * dy, None)


def test_nets_have_a_view_of_the_batch(rng):
    layer = inn.Coupling(Reshaping(), inn.AdditiveTransformer(), inn.PairSplit())
    x = tuple(rng.standard_normal((2, 3, 4, 4)) for _ in range(2))
    (whole,) = pieces.share(layer.net, x[0], gradient=True)
    assert [type(piece) for piece in whole] == [pieces.WholeBatch]
    y = layer.forward(x)
    dx, x_again = layer.backward(y, y)
    for array in (*x, *y, *dx, *x_again):
        assert array.shape == (2, 3, 4, 4)
        assert array.flags.writeable
    np.testing.assert_allclose(x_again[1], x[1], rtol=1e-13, atol=1e-13)
