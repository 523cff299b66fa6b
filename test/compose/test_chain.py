"""Facts about chains beyond the contract."""

import numpy as np
import pytest

from invertiblenetworks import (
    ActNorm,
    Bijection,
    Chain,
    Composition,
    Conv1x1,
    CouplingLayerBasic,
    PairChain,
    Reverse,
    Swap,
    reverse,
)


class Recorder(Bijection):
    """Passes everything on and records which hook was called, under a name."""

    def __init__(self, name, calls):
        self.name, self.calls = name, calls

    def _forward(self, x, cond):
        self.calls.append((self.name, "forward"))
        return x, np.full(len(x), 2.0)

    def _backward(self, dy, dld, y, cond, add_grad):
        self.calls.append((self.name, "backward", float(dld[0])))
        return dy, y, None


def test_layers_are_applied_first_to_last_and_pulled_back_last_to_first():
    calls, x = [], np.ones((4, 2, 3))
    chain = Chain(Recorder("f", calls), Recorder("g", calls), logdet=True)
    _, logdet = chain.forward(x)
    chain.backward(x, x)
    assert calls[:2] == [("f", "forward"), ("g", "forward")]
    assert calls[2:] == [("g", "backward", -0.25), ("f", "backward", -0.25)]
    assert logdet == 4.0


def test_children_are_summed_whatever_their_flags_say(rng):
    x = rng.normal(size=(3, 2, 4))
    parts = [ActNorm(2, logdet=flag, dtype="float64") for flag in (True, False)]
    _, logdet = Chain(*parts, logdet=True).forward(x)
    single = sum(float(part.log_abs_det(x).mean()) for part in parts)
    np.testing.assert_allclose(float(logdet), single, rtol=1e-13)


def test_composition_is_written_last_to_first(rng):
    f, g = ActNorm(2, logdet=True, dtype="float64"), Conv1x1(2, dtype="float64", rng=0)
    x = rng.normal(size=(3, 2, 4))
    y, _ = Composition(g, f).forward(x)
    np.testing.assert_allclose(y, g.forward(f.forward(x)[0]), rtol=1e-14)


def test_reversing_shares_parameters_and_twice_is_the_layer(rng):
    layer = Conv1x1(3, dtype="float64", rng=0)
    backwards = reverse(layer)
    assert reverse(backwards) is layer
    assert backwards.get_params()[0] is layer.get_params()[0]
    x = rng.normal(size=(2, 3, 4))
    np.testing.assert_allclose(backwards.forward(layer.forward(x)), x, atol=1e-14)


def test_reversed_pair_layer_takes_pairs(rng):
    layer = CouplingLayerBasic(2, 3, logdet=True, dtype="float64", rng=0)
    for p in layer.get_params():
        p.data += rng.normal(size=p.shape)
    x1, x2 = rng.normal(size=(2, 4, 2, 3, 3))
    y1, y2, logdet = layer.forward(x1, x2)
    z1, z2, logdet_inverse = reverse(layer).forward(y1, y2)
    np.testing.assert_allclose([z1, z2], [x1, x2], atol=1e-12)
    np.testing.assert_allclose(logdet, -logdet_inverse, rtol=1e-12)


def test_alternating_pair_couplings(rng):
    layers = [CouplingLayerBasic(2, 3, dtype="float64", rng=i) for i in (0, 1)]
    flow = PairChain(layers[0], Swap(), layers[1], logdet=True)
    for p in flow.get_params():
        p.data += rng.normal(size=p.shape)
    x1, x2 = rng.normal(size=(2, 4, 2, 3, 3))
    y1, y2, _ = flow.forward(x1, x2)
    z1, z2 = flow.inverse(y1, y2)
    np.testing.assert_allclose([z1, z2], [x1, x2], atol=1e-12)
    assert abs(y1 - x1).min() > 0
    assert abs(y2 - x2).min() > 0


def test_only_bijections_and_one_kind_of_condition():
    with pytest.raises(TypeError, match="Chain: expected bijections, got int"):
        Chain(3)
    array, context = ActNorm(2), ActNorm(2)
    array.cond_kind, context.cond_kind = "array", "context"
    with pytest.raises(TypeError, match="Chain: expected layers with one kind"):
        Chain(array, context)
    assert Chain(array, ActNorm(2)).cond_kind == "array"


def test_error_inside_names_both_the_method_called_and_the_layer(rng):
    x = rng.normal(size=(2, 3, 4))
    flow = Chain(ActNorm(3, dtype="float64"), ActNorm(5, dtype="float64"))
    with pytest.raises(ValueError, match=r"^Chain\.forward: expected 5 channels") as e:
        flow.forward(x)
    assert "Found by ActNorm inside" in str(e.value)
    assert not flow.layers[0].initialized  # found before any work


def test_reverse_is_a_bijection_with_every_hook():
    hooks = [
        name for name in vars(Bijection) if name.startswith("_") and "__" not in name
    ]
    for hook in ("_forward", "_inverse", "_backward", "_backward_inv"):
        assert hook in hooks
        assert hook in vars(Reverse)
