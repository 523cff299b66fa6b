"""Facts about unrolled inverse problems beyond the contract."""

import tracemalloc

import numpy as np
import pytest
from unrolled import N_PIXELS, N_SAMPLES, ONE_TAP, SMOOTH, problem, ready

from invertiblenetworks import (
    CouplingLayerHINT,
    CouplingLayerIRIM,
    Jacobian,
    NetworkLoop,
    TanhLayer,
    reverse,
)
from invertiblenetworks.testing import central_differences


def gradient_by_hand(eta, d, A, psi=np.tanh):
    image = psi(eta.reshape(N_SAMPLES, -1))
    return ((image @ A.T - d) @ A).reshape(eta.shape)


def loop_by_hand(net, eta, s, g_of):
    """The iterations written out, given the function for g."""
    for coupling, layer in zip(net.layers[0::4], net.layers[2::4], strict=True):
        norm = coupling.net.normalization
        g = norm.s.data * g_of(eta) + norm.b.data
        s = np.concatenate([s[:, :1] + g, s[:, 1:]], axis=1)
        state = layer.forward(np.concatenate([eta, s], axis=1))
        eta, s = state[:, :1], state[:, 1:]
    return eta, s


@pytest.mark.parametrize("kind", ["additive", "HINT"])
def test_loop_written_out(rng, kind):
    eta, s, d, A = arguments = problem(rng)
    net = ready(NetworkLoop(3, 4, 3, "tanh", kind=kind, **SMOOTH), rng, *arguments)
    wanted = loop_by_hand(net, eta, s, lambda eta: gradient_by_hand(eta, d, A))
    found = net.forward(*arguments)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    back = net.inverse(*found, d, A)
    for a, b in zip(back, (eta, s), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-11)


def test_layers_of_both_kinds():
    for kind, layer in (("additive", CouplingLayerIRIM), ("HINT", CouplingLayerHINT)):
        net = NetworkLoop(4, 8, 2, kind=kind)
        assert [type(part) for part in net.layers[2::4]] == [layer] * 2
    net = NetworkLoop(4, 8, 2, kind="HINT", **ONE_TAP, logdet=True, rng=0)
    eta = np.ones((2, 1, 4, 4), "float32")
    s, d = np.ones((2, 3, 4, 4), "float32"), np.ones((2, 5), "float32")
    assert len(net.forward(eta, s, d, np.eye(5, 16, dtype="float32"))) == 3


def misfit_and_slope(rng, psi):
    """Return ``|eta|^2 / 2`` of the result as a function of eta, with its gradient."""
    eta, s, d, A = arguments = problem(rng)
    net = ready(NetworkLoop(3, 4, 2, psi, **SMOOTH), rng, *arguments)

    def objective(eta):
        return 0.5 * (net.forward(eta, s, d, A)[0] ** 2).sum()

    eta_out, s_out = net.forward(*arguments)
    deta, _, _, _ = net.backward(eta_out, 0.0 * s_out, eta_out, s_out, d, A)
    return objective, eta, deta


def test_gradient_contains_the_derivative_of_psi(rng):
    class Forgetful(TanhLayer):
        def vjp(self, dy, y):
            return dy

    objective, eta, deta = misfit_and_slope(np.random.default_rng(1), "tanh")
    slopes = central_differences(objective, eta)
    np.testing.assert_allclose(deta.ravel(), slopes, atol=1e-8)
    _, _, without = misfit_and_slope(np.random.default_rng(1), Forgetful())
    assert abs(without.ravel() - slopes).max() > 0.01


@pytest.mark.parametrize("data_term", ["gradient", "gauss_newton"])
def test_samples_do_not_influence_each_other(rng, data_term):
    eta, s, d, A = arguments = problem(rng)
    net = NetworkLoop(3, 4, 2, "tanh", data_term=data_term, **SMOOTH)
    out = ready(net, rng, *arguments).forward(*arguments)
    gradient = net.backward(eta, s, *out, d, A)
    for n in range(N_SAMPLES):
        one = slice(n, n + 1)
        alone = net.forward(eta[one], s[one], d[one], A)
        np.testing.assert_allclose(alone[0], out[0][one], rtol=1e-10)
        alone = net.backward(eta[one], s[one], *alone, d[one], A)
        np.testing.assert_allclose(alone[0], gradient[0][one], rtol=1e-8, atol=1e-10)


def test_arguments_are_left_alone(rng):
    eta, s, d, A = arguments = problem(rng)
    net = ready(NetworkLoop(3, 4, 2, "tanh", **SMOOTH), rng, *arguments)
    out = net.forward(*arguments)
    given = (eta, s, *out, d, A)
    before = [array.copy() for array in given]
    net.backward(eta, s, *out, d, A)
    net.inverse(*out, d, A)
    for array, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_gauss_newton_is_the_damped_solution(rng):
    eta, s, d, A = arguments = problem(rng)
    options = dict(data_term="gauss_newton", damping=0.05, **SMOOTH)
    net = ready(NetworkLoop(3, 4, 2, "tanh", **options), rng, *arguments)
    curvature = A.T @ A + 0.05 * np.eye(N_PIXELS)

    def g_of(eta):
        g = gradient_by_hand(eta, d, A).reshape(N_SAMPLES, -1)
        return np.linalg.solve(curvature, g.T).T.reshape(eta.shape)

    wanted, found = loop_by_hand(net, eta, s, g_of), net.forward(*arguments)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-11)


def peak_of_backward(maxiter):
    rng = np.random.default_rng(0)
    eta, s, d, A = arguments = problem(rng, spatial=(32, 32))
    net = ready(NetworkLoop(3, 4, maxiter, "tanh", **SMOOTH), rng, *arguments)
    out = net.forward(*arguments)
    net.backward(eta, s, *out, d, A)  # from here on there are gradients to add to
    tracemalloc.start()
    net.backward(eta, s, *out, d, A)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_number_of_iterations():
    assert peak_of_backward(12) < 1.1 * peak_of_backward(2)


def test_reversed_loop_takes_data_and_operator_too(rng):
    eta, s, d, A = arguments = problem(rng)
    options = dict(kind="HINT", logdet=True, **SMOOTH)
    net = ready(NetworkLoop(3, 4, 2, **options), rng, *arguments)
    eta_out, s_out, logdet = net.forward(*arguments)
    eta_back, s_back, logdet_back = reverse(net).forward(eta_out, s_out, d, A)
    np.testing.assert_allclose(eta_back, eta, atol=1e-12)
    np.testing.assert_allclose(s_back, s, atol=1e-12)
    np.testing.assert_allclose(logdet_back, -logdet, rtol=1e-12)
    assert abs(logdet) > 0.1


def test_loop_as_a_linear_operator(rng):
    eta, s, d, A = arguments = problem(rng)
    net = ready(NetworkLoop(3, 4, 2, "tanh", **SMOOTH), rng, *arguments)
    J = Jacobian(net, (eta, s), "input", cond=(d, A))
    v = rng.normal(size=J.shape[1])
    found = J @ v
    deta, ds = J.split_domain(v)[0]
    wanted = net.jacobian(deta, ds, None, *arguments)[:2]
    np.testing.assert_allclose(found, J.join_range(wanted), rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (dict(n_in=1), "n_in of at least 2"),
        (dict(maxiter=0), "maxiter to be a positive"),
        (dict(kind="affine"), "kind to be one of"),
        (dict(data_term="newton"), "data_term to be one of"),
        (dict(activation="sigmoid"), "activation only with kind='HINT'"),
        (dict(data_term="gauss_newton", damping=0.0), "damping > 0"),
        (dict(data_term="gauss_newton", cg_steps=0), "cg_steps to be a positive"),
        (dict(psi="galu"), "an elementwise activation as psi"),
    ],
)
def test_options_are_checked(options, text):
    with pytest.raises(ValueError, match=text):
        NetworkLoop(**{"n_in": 3, "n_hidden": 4, "maxiter": 2, **options})
