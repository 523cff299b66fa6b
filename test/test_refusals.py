"""Arguments that are refused before any work, beyond what the battery tries."""

import copy

import numpy as np
import pytest

import invertiblenetworks as inn

X = np.random.default_rng(0).normal(size=(4, 4, 3, 3))


def glow(**options):
    return inn.NetworkGlow(4, 3, 1, 1, dtype="float64", rng=0, **options)


def test_parameters_of_different_kinds_are_named():
    net = inn.Chain(inn.ActNorm(4), inn.Conv1x1(4, dtype="float64", rng=0))
    with pytest.raises(TypeError, match="parameters of one kind, float32 numpy") as e:
        net.forward(X.astype("float32"))
    assert "layers.1.v.0" in str(e.value)
    assert not net.layers[0].initialized


@pytest.mark.parametrize("shape", [(0, 4, 3, 3), (4, 4, 0, 3), (4, 0, 3, 3)])
def test_empty_arrays(shape):
    layer = inn.ActNorm(shape[1] or 4, dtype="float64")
    with pytest.raises(ValueError, match="none of them empty"):
        layer.forward(np.zeros(shape))
    assert not layer.initialized


@pytest.mark.parametrize("scale", [1e-21, 1e-12, 1.0, 1e19, 1e30])
def test_first_batch_of_any_size_is_normalised(scale):
    x = (X * scale).astype("float32")
    y = inn.ActNorm(4).forward(x)
    np.testing.assert_allclose(y.var((0, 2, 3), ddof=1), 1.0, rtol=1e-4)


def test_first_batch_that_no_scale_can_normalise():
    layer = inn.ActNorm(4)
    with pytest.raises(ValueError, match="a spread whose inverse float32 can hold"):
        layer.forward((X * 1e-40).astype("float32"))
    assert not layer.initialized


def test_failed_initialisation_takes_everything_back():
    class Failing(inn.Conv1x1):
        def _forward(self, x, cond):
            raise MemoryError

    net = inn.Chain(inn.ActNorm(4, dtype="float64"), Failing(4, dtype="float64"))
    with pytest.raises(MemoryError):
        net.forward(X)
    assert not net.layers[0].initialized


def test_condition_that_is_not_finite():
    net = inn.NetworkConditionalGlow(4, 2, 3, 1, 1, dtype="float64", rng=0)
    cond = np.full((4, 2, 3, 3), np.nan)
    with pytest.raises(ValueError, match="finite values"):
        net.forward(X, cond)
    assert not net.transform.initialized


def test_partly_set_actnorm_keeps_what_it_has():
    layer = inn.ActNorm(4, dtype="float64")
    layer.s.set(np.full(4, 2.0))
    y = layer.forward(X)
    np.testing.assert_array_equal(layer.s.data, 2.0)
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0.0, atol=1e-14)


def test_none_and_tuples_in_place_of_arrays():
    net, layer = glow(), inn.CouplingLayerBasic(4, 3, dtype="float64", rng=0)
    z, _ = net.forward(X)
    calls = [
        lambda: net.forward(None),
        lambda: net.backward(None, z),
        lambda: net.backward(z, None),
        lambda: net.forward(()),
        lambda: net.forward((X, X, X)),
        lambda: layer.jacobian(None, X, None, X, X),
        lambda: net.adjoint_jacobian(z, z, dlogdet="1"),
        lambda: net.adjoint_jacobian(z, z, dlogdet=np.ones(4)),
        lambda: net.set_params(np.ones((3, 2))),
        lambda: net.set_params(None),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"^\w+\.\w+: expected"):
            call()
    with pytest.raises(ValueError, match=r"^\w+\.\w+: expected"):
        net.backward((z, z), z)


def test_result_with_its_logdet_is_no_state():
    net = inn.ActNorm(2, logdet=True)
    y, logdet = net.forward(np.random.default_rng(0).random((4, 2, 3), "float32"))
    for state in ((y, logdet), (y, float(logdet))):
        with pytest.raises(TypeError, match="y to be an array"):
            net.inverse(state)
    with pytest.raises(TypeError, match=r"forward returns \(y, logdet\)"):
        net.inverse((y, logdet))


def test_pairs_of_different_batches():
    with pytest.raises(ValueError, match="two arrays of one batch size"):
        inn.Swap().forward((X, X[:3]))


def test_values_of_the_parameters_themselves_in_another_order():
    layer = inn.AffineLayer(2, 2, 1, dtype="float64")
    s, b = (p.data.copy() for p in layer.get_params())
    layer.set_params([layer.b, layer.s])
    np.testing.assert_array_equal(layer.s.data, b)
    np.testing.assert_array_equal(layer.b.data, s)


def test_rank_of_a_condition():
    net = inn.ConcatCond(inn.Dense(5, 2, dtype="float64", rng=0))
    with pytest.raises(ValueError, match="a condition with the spatial shape"):
        net.forward(np.ones((3, 4)), np.ones(3))


@pytest.mark.parametrize(
    ("error", "build"),
    [
        (TypeError, lambda: inn.reverse(3)),
        (TypeError, lambda: inn.OnPart(3, 2)),
        (TypeError, lambda: inn.Coupling(inn.Dense(2, 2), "affine", inn.PairSplit())),
        (TypeError, lambda: inn.ConcatCond(5)),
        (TypeError, lambda: inn.ActNorm(4, dtype=None)),
        (TypeError, lambda: inn.Conv1x1(np.ones(2), np.ones(2, "float32"))),
        (ValueError, lambda: inn.Conv1x1(np.zeros(2))),
        (ValueError, lambda: inn.Conv1x1(4, np.ones(4))),
        (ValueError, lambda: inn.ChannelSplit(-1)),
        (ValueError, lambda: inn.ResidualBlock(2, 2, p1=-1)),
        (ValueError, lambda: inn.ResidualBlock(2, 2, activation="galu")),
        (ValueError, lambda: inn.DenseBlock((2,), (2,), 2, activation="galu")),
        (ValueError, lambda: glow(nx=4)),
        (ValueError, lambda: glow(coupling="additive", activation="sigmoid")),
        (ValueError, lambda: inn.ActNorm(True)),
    ],
)
def test_constructor_arguments(error, build):
    with pytest.raises(error, match=r"^\w+: expected"):
        build()


def test_integers_of_numpy_are_integers():
    assert inn.ActNorm(np.int64(4)).s.shape == (4,)


def test_gate_as_a_net_of_its_own():
    net = inn.Pointwise("galu")
    x = np.random.default_rng(1).normal(size=(2, 4, 3))
    assert net.forward(x).shape == (2, 2, 3)
    with pytest.raises(ValueError, match="dy of shape"):
        net.backward(x, x)


def test_given_convolution_is_frozen_if_asked():
    conv = inn.Conv1x1(4, rng=0)
    inn.CouplingLayerGlow(conv, 3, freeze_conv=True)
    assert not any(p.trainable for p in conv.get_params())


def test_layers_in_a_dictionary_are_found():
    class Named(inn.Layer):
        def __init__(self):
            self.parts = {"a": inn.Dense(2, 1)}

    assert list(Named().named_params()) == ["parts.a.weight", "parts.a.bias"]


def test_network_and_optimiser_are_copied_together():
    net, optimizer = glow(), inn.ADAM(1e-2)

    def step(net, optimizer):
        z, _ = net.forward(X)
        net.clear_grad()
        net.backward(z / len(z), z)
        optimizer.step(net.get_params())

    step(net, optimizer)
    twins = copy.deepcopy((net, optimizer))
    step(net, optimizer)
    step(*twins)
    for p, q in zip(net.get_params(), twins[0].get_params(), strict=True):
        assert p is not q
        np.testing.assert_array_equal(p.data, q.data)


def test_optimisers_want_a_list_of_parameters():
    with pytest.raises(TypeError, match=r"ADAM\.step: .* Pass net\.get_params\(\)"):
        inn.ADAM().step(glow())


def test_error_found_inside_quotes_what_was_given():
    found = r"Found by MultiScale inside, given x: a float64 numpy array of .* \(4, 4,"
    with pytest.raises(ValueError, match=found):
        glow(split_scales=True).forward(X)
    flow = inn.Chain(inn.NetworkConditionalGlow(4, 2, 3, 1, 1, dtype="float64"))
    both = r"given x: .* \(4, 4, 3, 3\); cond: .* \(4, 3, 3, 3\)\.\)$"
    with pytest.raises(ValueError, match=both):
        flow.forward(X, X[:, :3])
    points = np.ones((5, 4))
    with pytest.raises(ValueError, match="built with ndims=0"):
        glow().forward(points)


def test_a_layer_that_was_built_by_the_user_says_how_to():
    with pytest.raises(ValueError, match=r"Build the layer with ActNorm\(4\)\.$"):
        inn.ActNorm(3, dtype="float64").forward(X)


def test_missing_condition_says_where_it_goes():
    net = inn.NetworkConditionalGlow(4, 2, 3, 1, 1, dtype="float64", rng=0)
    with pytest.raises(TypeError, match=r"got None\. Give it as the last argument"):
        net.forward(X)
    with pytest.raises(ValueError, match="repeat it along axis 0"):
        net.forward(X, X[:1, :2])


def test_a_message_does_not_hold_all_data():
    net, x = inn.ActNorm(3), np.ones((8, 3, 32, 32), "float32")
    with pytest.raises(TypeError, match="x to be an array, got list") as error:
        net.forward(x.tolist())
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    "function",
    [
        inn.squeeze,
        inn.unsqueeze,
        inn.haar_squeeze,
        inn.haar_unsqueeze,
        inn.wavelet_squeeze,
        inn.wavelet_unsqueeze,
        inn.galu,
        inn.tensor_split,
    ],
)
def test_functions_of_arrays_refuse_lists(function):
    found = rf"^{function.__name__}: expected an array, got list \[\[1\.0\]\]\. Convert"
    with pytest.raises(TypeError, match=found):
        function([[1.0]])


def test_masked_arrays():
    """Kernels would see what is under the mask."""
    layer = inn.ActNorm(4, dtype="float64")
    with pytest.raises(
        TypeError, match=r"x to be an array, got one with a mask\. Fill"
    ):
        layer.forward(np.ma.masked_greater(X, 1.0))
    assert not layer.initialized
    layer.forward(np.ma.masked_greater(X, 1.0).filled(0.0))


def test_activations_say_whose_they_are():
    with pytest.raises(ValueError, match=r"^ResidualBlock: expected activation to be"):
        glow(block_activation="gelu")
    with pytest.raises(ValueError, match=r"^AffineTransformer: .* by block_activation"):
        glow(activation="relu")
    with pytest.raises(TypeError, match=r"^Pointwise: expected an Activation or its"):
        inn.Pointwise(np.tanh)
