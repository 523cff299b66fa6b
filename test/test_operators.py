"""Facts about Jacobians as linear operators."""

import numpy as np
import pytest
from operator_cases import CASES, build, dense, moved, parts, point_of

from invertiblenetworks import ActNorm, NetworkGlow, reverse
from invertiblenetworks.backend import linear_operator_class
from invertiblenetworks.base import Net
from invertiblenetworks.operators import Jacobian

BIJECTIONS = [name for name in CASES if "net" not in name]
WITH_MODES = [
    (name, mode, inverse)
    for name in CASES
    for mode in ("params", "input", "input_params", "full")
    for inverse in (False, True)
    if name in BIJECTIONS or (mode != "full" and not inverse)
]


def values(layer, x, cond, inverse, to_numpy):
    """Return the result of the map and its mean log-determinant as one vector."""
    if isinstance(layer, Net):
        y, ld = layer.forward(x, cond), None
    else:
        layer = reverse(layer) if inverse else layer
        y, ld = layer._forward(x, cond)
    flat = [to_numpy(part).ravel() for part in parts(y)]
    return np.concatenate([*flat, [0.0 if ld is None else float(ld.mean())]])


@pytest.mark.parametrize(("name", "mode", "inverse"), WITH_MODES)
def test_product_is_the_directional_derivative(
    rng, to_xp, to_numpy, layer_to_xp, name, mode, inverse
):
    layer, x, cond = build(name, rng, to_xp, layer_to_xp)
    x = point_of(layer, x, cond, inverse)
    operator = Jacobian(layer, x, mode, cond=cond, inverse=inverse)
    v = rng.normal(size=operator.shape[1])
    product = to_numpy(operator.matvec(to_xp(v)))
    dx, dtheta = operator.split_domain(to_xp(v))
    step, results = 1e-5, []
    for shift in (step, -2 * step):
        x = moved(layer, x, dx, dtheta, shift)
        results.append(values(layer, x, cond, inverse, to_numpy))
    wanted = (results[0] - results[1]) / (2 * step)
    wanted = wanted if mode == "full" else wanted[:-1]
    error = np.linalg.norm(product - wanted) / np.linalg.norm(wanted)
    assert error < 1e-7


@pytest.mark.parametrize(("name", "mode", "inverse"), WITH_MODES)
def test_adjoint_passes_the_dot_test(
    rng, to_xp, to_numpy, layer_to_xp, name, mode, inverse
):
    layer, x, cond = build(name, rng, to_xp, layer_to_xp)
    x = point_of(layer, x, cond, inverse)
    operator = Jacobian(layer, x, mode, cond=cond, inverse=inverse)
    v, w = rng.normal(size=operator.shape[1]), rng.normal(size=operator.shape[0])
    forward = to_numpy(operator.matvec(to_xp(v)))
    adjoint = to_numpy(operator.rmatvec(to_xp(w)))
    scale = np.linalg.norm(forward) * np.linalg.norm(w)
    assert abs(forward @ w - v @ adjoint) < 1e-12 * scale


@pytest.mark.parametrize("name", CASES)
def test_sizes_and_kind(rng, xp, to_xp, layer_to_xp, name):
    layer, x, cond = build(name, rng, to_xp, layer_to_xp)
    n_params = sum(p.size for p in layer.get_params())
    n_input = sum(part.size for part in parts(x))
    sizes = {"params": n_params, "input": n_input, "input_params": n_input + n_params}
    for mode, n_domain in sizes.items():
        operator = Jacobian(layer, x, mode, cond=cond)
        n_range = sum(part.size for part in parts(operator.y))
        assert operator.shape == (n_range, n_domain)
        assert operator.dtype == np.float64
        assert isinstance(operator, linear_operator_class(xp))
        assert operator.H.shape == (n_domain, n_range)
        assert operator.H.H.shape == operator.shape


@pytest.mark.parametrize("name", BIJECTIONS)
def test_mode_full_adds_the_logdet(rng, to_xp, to_numpy, layer_to_xp, name):
    layer, x, cond = build(name, rng, to_xp, layer_to_xp)
    full = Jacobian(layer, x, "full", cond=cond)
    short = Jacobian(layer, x, "input_params", cond=cond)
    assert full.shape == (short.shape[0] + 1, short.shape[1])
    ld = layer._forward(x, cond)[1]
    np.testing.assert_allclose(float(full.logdet), float(ld.mean()), rtol=1e-14)
    v = to_xp(rng.normal(size=full.shape[1]))
    first = to_numpy(full.matvec(v))[:-1]
    np.testing.assert_array_equal(first, to_numpy(short.matvec(v)))


def test_order_in_domain_and_range(rng, to_xp, to_numpy, layer_to_xp):
    """ActNorm, y = s x + b, in closed form: x in C order, then s, then b."""
    layer, x, _ = build("actnorm", rng, to_xp, layer_to_xp)
    matrix = dense(Jacobian(layer, x, "full"), to_xp, to_numpy)
    s, host_x = to_numpy(layer.s.data), to_numpy(x)
    channel = np.broadcast_to(np.arange(2)[:, None, None], x.shape).ravel()
    wanted = np.zeros((25, 28))
    wanted[:24, :24] = np.diag(s[channel])
    wanted[np.arange(24), 24 + channel] = host_x.ravel()
    wanted[np.arange(24), 26 + channel] = 1.0
    wanted[24, 24:26] = 4 / s  # four pixels
    np.testing.assert_allclose(matrix, wanted, rtol=1e-13, atol=1e-13)


def test_original_names_of_the_modes(rng, to_xp, layer_to_xp):
    layer, x, _ = build("actnorm", rng, to_xp, layer_to_xp)
    assert Jacobian(layer, x).shape == (24, 4)
    assert Jacobian(layer, x, "θ↦Y").shape == (24, 4)
    assert Jacobian(layer, x, "X×θ↦Y").shape == (24, 28)


@pytest.mark.parametrize("name", BIJECTIONS)
def test_inverse_map_has_the_inverse_jacobian(rng, to_xp, to_numpy, layer_to_xp, name):
    layer, x, cond = build(name, rng, to_xp, layer_to_xp)
    forward = Jacobian(layer, x, "input", cond=cond)
    backward = Jacobian(layer, forward.y, "input", cond=cond, inverse=True)
    v = rng.normal(size=forward.shape[1])
    back = backward.matvec(forward.matvec(to_xp(v)))
    np.testing.assert_allclose(to_numpy(back), v, rtol=1e-9, atol=1e-9)
    for again, part in zip(parts(backward.y), parts(x), strict=True):
        np.testing.assert_allclose(to_numpy(again), to_numpy(part), atol=1e-10)


@pytest.mark.parametrize(
    ("name", "mode"), [("pair", "full"), ("to pair", "full"), ("net", "input_params")]
)
def test_split_and_join_undo_each_other(rng, to_xp, to_numpy, layer_to_xp, name, mode):
    layer, x, cond = build(name, rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x, mode, cond=cond)
    v, w = rng.normal(size=operator.shape[1]), rng.normal(size=operator.shape[0])
    dx, dtheta = operator.split_domain(to_xp(v))
    assert [d.shape for d in parts(dx)] == [part.shape for part in parts(x)]
    assert [d.shape for d in dtheta] == [p.shape for p in layer.get_params()]
    np.testing.assert_array_equal(to_numpy(operator.join_domain(dx, dtheta)), v)
    dy, dlogdet = operator.split_range(to_xp(w))
    assert [d.shape for d in parts(dy)] == [part.shape for part in parts(operator.y)]
    assert (dlogdet is None) == (mode != "full")
    np.testing.assert_array_equal(to_numpy(operator.join_range(dy, dlogdet)), w)


def test_missing_parts_are_none_or_zero(rng, to_xp, to_numpy, layer_to_xp):
    layer, x, _ = build("actnorm", rng, to_xp, layer_to_xp)
    of_params, of_input = Jacobian(layer, x), Jacobian(layer, x, "input")
    assert of_params.split_domain(to_xp(np.ones(4)))[0] is None
    assert of_input.split_domain(to_xp(np.ones(24)))[1] is None
    full = Jacobian(layer, x, "full")
    only_x = to_numpy(full.join_domain(dx=x))
    np.testing.assert_array_equal(only_x[:24], to_numpy(x).ravel())
    np.testing.assert_array_equal(only_x[24:], 0.0)
    only_theta = to_numpy(full.join_domain(dtheta=[p.data for p in layer.get_params()]))
    np.testing.assert_array_equal(only_theta[:24], 0.0)
    assert (only_theta[24:] > 0).all()
    assert to_numpy(full.join_range(x))[-1] == 0.0
    assert to_numpy(full.join_range(x, 2.0))[-1] == 2.0


def test_split_parts_are_what_the_layer_takes(rng, to_xp, to_numpy, layer_to_xp):
    layer, x, _ = build("glow", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x, "input_params")
    v = to_xp(rng.normal(size=operator.shape[1]).astype("float32"))
    dy = layer.jacobian(*operator.split_domain(v), x)[0]
    product = operator.matvec(v)
    np.testing.assert_array_equal(to_numpy(operator.join_range(dy)), to_numpy(product))


def test_block_of_vectors(rng, xp, to_xp, to_numpy, layer_to_xp):
    layer, x, _ = build("actnorm", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x, "input_params")
    block = rng.normal(size=(28, 3))
    product = to_numpy(operator.matmat(to_xp(block)))
    matrix = dense(operator, to_xp, to_numpy)
    np.testing.assert_allclose(product, matrix @ block, rtol=1e-12, atol=1e-12)
    column = operator.matvec(to_xp(block[:, :1]))
    np.testing.assert_allclose(to_numpy(column).ravel(), product[:, 0], rtol=1e-12)


def test_vectors_are_cast_to_the_type_of_the_layer(rng, to_xp, layer_to_xp):
    layer = layer_to_xp(NetworkGlow(1, 3, 1, 1, split_scales=True, rng=1))
    x = to_xp(rng.normal(size=(2, 1, 4, 4)).astype("float32"))
    layer.forward(x)
    operator = Jacobian(layer, x, "input_params")
    assert operator.dtype == np.float32
    assert (
        operator.matvec(to_xp(rng.normal(size=operator.shape[1]))).dtype == np.float32
    )
    assert operator.rmatvec(to_xp(rng.normal(size=32))).dtype == np.float32


def test_gradients_and_parameters_are_left_alone(rng, to_xp, to_numpy, layer_to_xp):
    layer, x, _ = build("glow", rng, to_xp, layer_to_xp)
    before = [to_numpy(p.data).copy() for p in layer.get_params()]
    operator = Jacobian(layer, x, "full")
    v, w = (to_xp(rng.normal(size=n)) for n in operator.shape[::-1])
    saved = to_numpy(v).copy(), to_numpy(w).copy()
    operator.matvec(v)
    operator.rmatvec(w)
    np.testing.assert_array_equal(to_numpy(v), saved[0])
    np.testing.assert_array_equal(to_numpy(w), saved[1])
    for p, values_before in zip(layer.get_params(), before, strict=True):
        assert p.grad is None
        np.testing.assert_array_equal(to_numpy(p.data), values_before)


def test_frozen_parameters_belong_to_the_domain(rng, to_xp, to_numpy, layer_to_xp):
    layer, x, _ = build("actnorm", rng, to_xp, layer_to_xp)
    trained = dense(Jacobian(layer, x), to_xp, to_numpy)
    frozen = dense(Jacobian(layer.freeze(), x), to_xp, to_numpy)
    np.testing.assert_array_equal(frozen, trained)


def test_value_is_computed_once(rng, to_xp, layer_to_xp, monkeypatch):
    layer, x, _ = build("actnorm", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x, "input_params")
    monkeypatch.setattr(ActNorm, "_forward", None)
    operator.matvec(to_xp(rng.normal(size=28)))
    operator.rmatvec(to_xp(rng.normal(size=24)))


def test_products_do_not_wait_for_the_device(rng, to_xp, layer_to_xp, device_counters):
    layer, x, _ = build("glow", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x, "full")
    v, w = (to_xp(rng.normal(size=n)) for n in operator.shape[::-1])
    device_counters.reset()
    operator.matvec(v)
    operator.rmatvec(w)
    assert device_counters.read()[:2] == (0, 0)
