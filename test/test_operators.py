"""Facts about Jacobians as linear operators."""

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, aslinearoperator, cg, lsqr, svds

from invertiblenetworks import (
    ActNorm,
    Chain,
    ConcatCond,
    Coupling,
    CouplingLayerBasic,
    CouplingLayerGlow,
    Dense,
    NetworkGlow,
    NotInitializedError,
    PairChain,
    ResidualBlock,
    ShuffleLayer,
    Split,
    Swap,
    reverse,
)
from invertiblenetworks.backend import linear_operator_class
from invertiblenetworks.base import Net
from invertiblenetworks.layers.coupling import ChannelSplit
from invertiblenetworks.objectives import mse, mse_grad, mse_hess
from invertiblenetworks.operators import Jacobian
from invertiblenetworks.transformers import AffineTransformer

SMOOTH = {"block_activation": "tanh", "dtype": "float64", "rng": 1}


def conditional_coupling():
    net = ResidualBlock(3, 4, n_out=4, fan=True, activation="tanh", dtype="float64")
    return Coupling(ConcatCond(net), AffineTransformer(), ChannelSplit(2))


def conditional_net():
    return ConcatCond(ResidualBlock(3, 4, activation="tanh", dtype="float64"))


# name: (constructor, shape of x, shape of the condition)
CASES = {
    "actnorm": (lambda: ActNorm(2, dtype="float64"), (3, 2, 2, 2), None),
    "glow": (
        lambda: NetworkGlow(1, 3, 2, 2, split_scales=True, **SMOOTH),
        (2, 1, 4, 4),
        None,
    ),
    "reversed": (
        lambda: reverse(CouplingLayerGlow(3, 4, ndims=1, **SMOOTH)),
        (2, 3, 4),
        None,
    ),
    "pair": (
        lambda: PairChain(CouplingLayerBasic(2, 3, **SMOOTH), Swap()),
        ((2, 2, 2, 3), (2, 2, 2, 3)),
        None,
    ),
    "to pair": (lambda: Chain(ActNorm(3, dtype="float64"), Split(1)), (2, 3, 2), None),
    "conditional": (conditional_coupling, (2, 3, 2, 2), (2, 2, 2, 2)),
    "net": (
        lambda: ResidualBlock(2, 3, activation="tanh", dtype="float64", rng=1),
        (2, 2, 3, 3),
        None,
    ),
    "conditional net": (conditional_net, (2, 2, 2, 2), (2, 1, 2, 2)),
}
BIJECTIONS = [name for name in CASES if "net" not in name]
WITH_MODES = [
    (name, mode, inverse)
    for name in CASES
    for mode in ("params", "input", "input_params", "full")
    for inverse in (False, True)
    if name in BIJECTIONS or (mode != "full" and not inverse)
]


def draw(rng, shape, to_xp):
    if isinstance(shape[0], tuple):
        return tuple(draw(rng, part, to_xp) for part in shape)
    return to_xp(rng.normal(size=shape))


def build(name, rng, to_xp, layer_to_xp):
    """Return a layer with random parameters, a point and a condition."""
    constructor, shape, cond_shape = CASES[name]
    layer = layer_to_xp(constructor())
    for p in layer.get_params():
        # Vectors may be scales, which must stay away from zero.
        low, high = (0.3, 0.9) if len(p.shape) == 1 else (-0.4, 0.4)
        p.set(to_xp(rng.uniform(low, high, size=p.shape)))
    cond = None if cond_shape is None else draw(rng, cond_shape, to_xp)
    return layer, draw(rng, shape, to_xp), cond


def parts(x):
    return x if isinstance(x, tuple) else (x,)


def point_of(layer, x, cond, inverse):
    """Where the operator is taken: x, or with ``inverse`` its image."""
    return layer._forward(x, cond)[0] if inverse else x


def values(layer, x, cond, inverse, to_numpy):
    """Return the result of the map and its mean log-determinant as one vector."""
    if isinstance(layer, Net):
        y, ld = layer.forward(x, cond), None
    else:
        layer = reverse(layer) if inverse else layer
        y, ld = layer._forward(x, cond)
    flat = [to_numpy(part).ravel() for part in parts(y)]
    return np.concatenate([*flat, [0.0 if ld is None else float(ld.mean())]])


def moved(layer, x, dx, dtheta, step):
    """Move the parameters of ``layer`` along ``dtheta``, and return x moved."""
    if dtheta is not None:
        for p, d in zip(layer.get_params(), dtheta, strict=True):
            p.data += step * d
    if dx is None:
        return x
    result = tuple(a + step * b for a, b in zip(parts(x), parts(dx), strict=True))
    return result if isinstance(x, tuple) else result[0]


def on_host(operator, xp, to_xp, to_numpy):
    """The operator for SciPy's solvers, which take NumPy vectors only."""
    if xp is np:
        return operator
    return LinearOperator(
        operator.shape,
        matvec=lambda v: to_numpy(operator.matvec(to_xp(v))),
        rmatvec=lambda v: to_numpy(operator.rmatvec(to_xp(v))),
        dtype=operator.dtype,
    )


def dense(operator, to_xp, to_numpy):
    columns = [operator.matvec(to_xp(e)) for e in np.eye(operator.shape[1])]
    return np.stack([to_numpy(column) for column in columns], axis=1)


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


# --- with SciPy -----------------------------------------------------------------------


def test_damped_least_squares_with_lsqr(rng, xp, to_xp, to_numpy, layer_to_xp):
    layer, x, _ = build("pair", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x, "input_params")
    right = rng.normal(size=operator.shape[0])
    host = on_host(operator, xp, to_xp, to_numpy)
    solution = lsqr(host, right, damp=0.5, atol=1e-12, btol=1e-12)[0]
    matrix = dense(operator, to_xp, to_numpy)
    normal = matrix.T @ matrix + 0.25 * np.eye(operator.shape[1])
    wanted = np.linalg.solve(normal, matrix.T @ right)
    np.testing.assert_allclose(solution, wanted, rtol=1e-8, atol=1e-9)


def test_singular_values_with_svds(rng, xp, to_xp, to_numpy, layer_to_xp):
    layer, x, _ = build("pair", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x, "input")
    host = on_host(operator, xp, to_xp, to_numpy)
    largest = svds(host, k=3, return_singular_vectors=False, rng=1)
    wanted = np.linalg.svd(dense(operator, to_xp, to_numpy), compute_uv=False)
    np.testing.assert_allclose(np.sort(largest), wanted[2::-1], rtol=1e-10)


def test_determinant_of_the_operator_is_the_logdet(rng, to_xp, to_numpy, layer_to_xp):
    layer, x, _ = build("glow", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x, "input")
    _, logdet = np.linalg.slogdet(dense(operator, to_xp, to_numpy))
    np.testing.assert_allclose(2 * float(operator.logdet), logdet, rtol=1e-10)


def test_gauss_newton_with_conjugate_gradients(rng, xp, to_xp, to_numpy, layer_to_xp):
    """``J.H @ H @ J`` composes, and a step with it lowers the misfit as predicted."""
    layer, x, _ = build("net", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x, "params")
    target = operator.y + 0.01 * to_xp(rng.normal(size=operator.y.shape))
    jacobian = on_host(operator, xp, to_xp, to_numpy)
    hessian = on_host(mse_hess(operator.y, target), xp, to_xp, to_numpy)
    gauss_newton = jacobian.H @ hessian @ jacobian
    matrix = dense(operator, to_xp, to_numpy)
    v = rng.normal(size=operator.shape[1])
    wanted = matrix.T @ (matrix @ v) / 2
    np.testing.assert_allclose(gauss_newton @ v, wanted, rtol=1e-9, atol=1e-12)

    misfit = operator.join_range(mse_grad(operator.y, target))
    gradient = to_numpy(operator.rmatvec(misfit))
    damping = 0.1 * aslinearoperator(np.eye(operator.shape[1]))
    step, failed = cg(gauss_newton + damping, -gradient, rtol=1e-6)
    assert not failed
    before = float(mse(operator.y, target))
    moved(layer, x, None, operator.split_domain(to_xp(step))[1], 1.0)
    after = float(mse(layer.forward(x), target))
    predicted = before + gradient @ step + np.sum((matrix @ step) ** 2) / 4
    assert after < 0.9 * before
    np.testing.assert_allclose(after, predicted, rtol=0.02)


# --- errors ---------------------------------------------------------------------------


def test_unknown_mode(rng, to_xp, layer_to_xp):
    layer, x, _ = build("actnorm", rng, to_xp, layer_to_xp)
    with pytest.raises(ValueError, match=r"Jacobian: expected io_mode .* got 'theta'"):
        Jacobian(layer, x, "theta")


def test_layer_without_parameters(rng, to_xp):
    x = to_xp(rng.normal(size=(1, 1, 2, 2)))
    with pytest.raises(
        ValueError, match="a layer with parameters for io_mode='params'"
    ):
        Jacobian(ShuffleLayer(), x)
    assert Jacobian(ShuffleLayer(), x, "full").shape == (5, 4)


def test_modes_a_net_has_not(rng, to_xp, layer_to_xp):
    net, x, _ = build("net", rng, to_xp, layer_to_xp)
    for options in ({"io_mode": "full"}, {"inverse": True}):
        with pytest.raises(
            ValueError, match="io_mode other than 'full' and inverse=Fal"
        ):
            Jacobian(net, x, **options)


def test_uninitialised_layers(rng, to_xp, layer_to_xp):
    layer = layer_to_xp(ActNorm(2, dtype="float64"))
    x = to_xp(rng.normal(size=(2, 2, 3)))
    with pytest.raises(NotInitializedError, match=r"ActNorm\.jacobian: .* for s"):
        Jacobian(layer, x)
    with pytest.raises(NotInitializedError, match=r"ActNorm\.jacobian_inv"):
        Jacobian(layer, x, inverse=True)
    assert not layer.initialized


def test_wrong_layers_and_points(rng, to_xp, layer_to_xp):
    layer, x, _ = build("glow", rng, to_xp, layer_to_xp)
    with pytest.raises(TypeError, match="Jacobian: expected a Bijection or a Net"):
        Jacobian(np.sin, x)
    with pytest.raises(TypeError, match="x to be float64"):
        Jacobian(layer, x.astype("float32"))
    with pytest.raises(ValueError, match="spatial sizes divisible by 4"):
        Jacobian(layer, x[:, :, :3])
    with pytest.raises(TypeError, match="expected no condition"):
        Jacobian(layer, x, cond=x)
    with pytest.raises(ValueError, match="to be a tuple of two arrays"):
        Jacobian(build("pair", rng, to_xp, layer_to_xp)[0], x)
    net = layer_to_xp(Dense(3, 2, dtype="float64", rng=1))
    with pytest.raises(ValueError, match=r"Dense\.jacobian"):
        Jacobian(net, x)


def test_wrong_vectors(rng, to_xp, layer_to_xp):
    layer, x, _ = build("actnorm", rng, to_xp, layer_to_xp)
    operator = Jacobian(layer, x)
    with pytest.raises(ValueError, match="dimension mismatch"):
        operator.matvec(to_xp(np.ones(5)))
    with pytest.raises(ValueError, match=r"split_domain: expected a vector of 4"):
        operator.split_domain(to_xp(np.ones(5)))
    with pytest.raises(TypeError, match=r"a real .* vector"):
        operator.matvec(to_xp(np.ones(4, "complex128")))
    with pytest.raises(ValueError, match="no dx in this io_mode"):
        operator.join_domain(dx=x)
    with pytest.raises(ValueError, match="join_domain: expected arrays of shapes"):
        operator.join_domain(dtheta=[layer.s.data])
    with pytest.raises(ValueError, match="join_domain: expected arrays of shapes"):
        Jacobian(layer, x, "input").join_domain(dtheta=[layer.s.data])
    with pytest.raises(ValueError, match="join_range: expected arrays of shapes"):
        operator.join_range(x, 1.0)
