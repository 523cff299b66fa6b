"""Facts about the objectives: values, and derivatives against finite differences."""

import numpy as np
import pytest
from scipy.sparse.linalg import cg
from scipy.stats import norm as gaussian

from invertiblenetworks.objectives import (
    log_likelihood,
    log_likelihood_grad,
    log_likelihood_hess,
    mse,
    mse_grad,
    mse_hess,
)

SHAPE = (3, 2, 4)
STEP = 0.1  # central differences of quadratic functions are exact


def triples(rng, to_xp):
    """(name, value, gradient, Hessian) as functions of x alone."""
    target = to_xp(rng.normal(size=SHAPE))
    mu = to_xp(rng.normal(size=(2, 4)))
    sigma = to_xp(rng.uniform(0.5, 2.0, size=(1, 2, 1)))

    def fixed(functions, *others, **options):
        return [lambda x, f=f: f(x, *others, **options) for f in functions]

    squares = (mse, mse_grad, mse_hess)
    likelihoods = (log_likelihood, log_likelihood_grad, log_likelihood_hess)
    return {
        "mse": fixed(squares, target),
        "mse, flat": fixed(squares, target, batch_size=7),
        "standard": fixed(likelihoods),
        "numbers": fixed(likelihoods, 0.3, 2.5),
        "arrays": fixed(likelihoods, mu, sigma),
        "flat": fixed(likelihoods, 0.3, sigma, batch_size=7),
    }


NAMES = ["mse", "mse, flat", "standard", "numbers", "arrays", "flat"]


@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_the_derivative_of_the_value(rng, to_xp, to_numpy, name):
    value, gradient, _ = triples(rng, to_xp)[name]
    x, direction = rng.normal(size=(2, *SHAPE))
    slope = np.vdot(to_numpy(gradient(to_xp(x))), direction)
    ahead = float(value(to_xp(x + STEP * direction)))
    behind = float(value(to_xp(x - STEP * direction)))
    np.testing.assert_allclose(slope, (ahead - behind) / (2 * STEP), rtol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_hessian_is_the_derivative_of_the_gradient(rng, to_xp, to_numpy, name):
    _, gradient, hessian = triples(rng, to_xp)[name]
    x, direction = rng.normal(size=(2, *SHAPE))
    product = hessian(to_xp(x)).matvec(to_xp(direction.ravel()))
    ahead = to_numpy(gradient(to_xp(x + STEP * direction)))
    behind = to_numpy(gradient(to_xp(x - STEP * direction)))
    wanted = (ahead - behind).ravel() / (2 * STEP)
    np.testing.assert_allclose(to_numpy(product), wanted, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_hessian_is_its_own_adjoint(rng, to_xp, to_numpy, name):
    hessian = triples(rng, to_xp)[name][2](to_xp(rng.normal(size=SHAPE)))
    assert hessian.shape == (24, 24)
    assert hessian.dtype == np.float64
    a = rng.normal(size=24)
    forward, adjoint = hessian.matvec(to_xp(a)), hessian.rmatvec(to_xp(a))
    np.testing.assert_array_equal(to_numpy(forward), to_numpy(adjoint))


def test_values_worked_out_by_hand(to_xp, to_numpy):
    one_sample, two_samples = to_xp([[1.0, 2.0]]), to_xp([[1.0], [2.0]])
    assert float(log_likelihood(one_sample)) == -2.5
    assert float(log_likelihood(two_samples)) == -1.25
    assert float(mse(two_samples, to_xp([[0.0], [-2.0]]))) == 17 / 4
    gradient = mse_grad(two_samples, to_xp([[0.0], [-2.0]]))
    np.testing.assert_array_equal(to_numpy(gradient), [[0.5], [2.0]])
    gradient = log_likelihood_grad(two_samples, 1.0, 2.0)
    np.testing.assert_array_equal(to_numpy(gradient), [[0.0], [-0.125]])


@pytest.mark.parametrize("sigma", [0.7, np.array([[0.5, 2.0]])])
def test_normalized_likelihood_is_the_density_of_the_samples(rng, to_xp, sigma):
    x = rng.normal(size=(5, 2))
    wanted = gaussian.logpdf(x, 0.3, sigma).sum() / 5
    spread = to_xp(sigma) if isinstance(sigma, np.ndarray) else sigma
    value = log_likelihood(to_xp(x), 0.3, spread, normalized=True)
    np.testing.assert_allclose(float(value), wanted, rtol=1e-13)


def test_flat_latent_needs_its_batch_size(rng, to_xp, to_numpy):
    """A vector of all samples has the likelihood of the samples, not that over D."""
    x = rng.normal(size=(4, 6))
    flat, batch = to_xp(x.ravel()), to_xp(x)
    calls = [
        (log_likelihood, ()),
        (log_likelihood_grad, ()),
        (log_likelihood_hess, ()),
        (mse, (flat,)),
        (mse_grad, (flat,)),
        (mse_hess, (flat,)),
    ]
    for function, others in calls:
        where = f"{function.__name__}: expected an array of shape .*batch_size="
        with pytest.raises(ValueError, match=where):
            function(flat, *others)
        function(flat, *others, batch_size=4)
    np.testing.assert_allclose(
        float(log_likelihood(flat, batch_size=4)), float(log_likelihood(batch))
    )
    np.testing.assert_array_equal(
        to_numpy(log_likelihood_grad(flat, batch_size=4)),
        to_numpy(log_likelihood_grad(batch)).ravel(),
    )


def test_float32_stays_float32(rng, to_xp):
    x = to_xp(rng.normal(size=SHAPE).astype("float32"))
    target, number = 0.5 * x, np.float64(0.5)
    results = [
        mse(x, target),
        mse_grad(x, target),
        mse_hess(x, target).matvec(x.reshape(-1)),
        log_likelihood(x, number, number, normalized=True),
        log_likelihood_grad(x, number, number),
        log_likelihood_hess(x, number, number).matvec(x.reshape(-1)),
        log_likelihood(x, 0.0, abs(target) + 1.0, normalized=True),
    ]
    assert {result.dtype for result in results} == {np.dtype("float32")}


def test_nothing_waits_for_the_device(rng, to_xp, device_counters):
    x, target = to_xp(rng.normal(size=SHAPE)), to_xp(rng.normal(size=SHAPE))
    device_counters.reset()
    mse(x, target)
    mse_hess(x, target).matvec(mse_grad(x, target).reshape(-1))
    log_likelihood(x, target, abs(target), normalized=True)
    gradient = log_likelihood_grad(x, target, 0.5)
    log_likelihood_hess(x, target, abs(target)).matvec(gradient.reshape(-1))
    assert device_counters.read()[:2] == (0, 0)


def test_hessians_are_ready_for_conjugate_gradients(rng):
    x, right = rng.normal(size=(2, *SHAPE))
    for hessian, factor in [
        (mse_hess(x, x), 3.0),
        (-log_likelihood_hess(x, 0.0, 2.0), 12.0),
    ]:
        solution, failed = cg(hessian, right.ravel())
        assert not failed
        np.testing.assert_allclose(solution, factor * right.ravel(), rtol=1e-5)


def test_errors(rng, to_xp):
    x = to_xp(rng.normal(size=SHAPE))
    with pytest.raises(ValueError, match=r"mse: expected target of shape \(3, 2, 4\)"):
        mse(x, x[:1])
    with pytest.raises(TypeError, match="mse_grad: expected target of type float64"):
        mse_grad(x, x.astype("float32"))
    with pytest.raises(ValueError, match="batch_size to be a positive integer"):
        mse(x, x, batch_size=0)
    with pytest.raises(ValueError, match="at least one sample"):
        log_likelihood(x[:0])
    with pytest.raises(ValueError, match="log_likelihood_hess: expected sigma to be p"):
        log_likelihood_hess(x, 0.0, 0.0)
    with pytest.raises(ValueError, match="mu that broadcasts to"):
        log_likelihood_grad(x, x[:, :, :2])
    with pytest.raises(ValueError, match="mu that broadcasts to"):
        log_likelihood(x[:, :1], x)
    with pytest.raises(TypeError, match="sigma of type float64"):
        log_likelihood(x, 0.0, x.astype("float32"))
    with pytest.raises(TypeError, match="expected an array, got"):
        mse([[1.0]], [[1.0]])
