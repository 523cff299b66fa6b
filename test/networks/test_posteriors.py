"""Conditional networks on a linear Gaussian problem, whose posterior is known.

``x ~ N(m, I)``, ``y = A x + noise``, noise of variance v. The posterior is Gaussian,
with covariance ``S = (A^T A / v + I)^-1`` and mean ``S (A^T y / v + m)``.

Errors with 4000 samples for each of five observations, of the mean in posterior
deviations and of the covariance in its norm, and excess of ``log p - log q``:

=========================  ====  ==========  ===============
sampler                    mean  covariance  excess, in nats
=========================  ====  ==========  ===============
exact                      0.02  0.03        0
conditional Glow and HINT  0.05  0.06        0.01
bars                       0.15  0.16        0.1
prior: the best without y  0.90  0.80        1.7
=========================  ====  ==========  ===============
"""

import math

import numpy as np
import pytest

from invertiblenetworks import (
    ADAM,
    NetworkConditionalGlow,
    NetworkConditionalHINT,
    cosine_decay,
)

N_X, N_Y, PRIOR_MEAN, VARIANCE = 4, 3, 1.0, 0.1
N_SAMPLES, N_OBSERVED = 4000, 5
MEAN_BAR, COVARIANCE_BAR, EXCESS_BAR = 0.15, 0.16, 0.1


class LinearGaussian:
    """The problem: pairs to train on, and what is known of its posterior."""

    def __init__(self, rng):
        self.rng = rng
        self.A = rng.normal(size=(N_Y, N_X)) / math.sqrt(N_X)
        precision = self.A.T @ self.A / VARIANCE + np.eye(N_X)
        self.covariance = np.linalg.inv(precision)
        self.factor = np.linalg.cholesky(self.covariance)

    def draw(self, count):
        x = PRIOR_MEAN + self.rng.normal(size=(count, N_X))
        y = x @ self.A.T + math.sqrt(VARIANCE) * self.rng.normal(size=(count, N_Y))
        return x.astype("float32"), y.astype("float32")

    def mean(self, y):
        return (y @ self.A / VARIANCE + PRIOR_MEAN) @ self.covariance

    def sample(self, y, count):
        return self.mean(y) + self.rng.normal(size=(count, N_X)) @ self.factor.T

    def sample_prior(self, y, count):
        return PRIOR_MEAN + self.rng.normal(size=(count, N_X))

    def log_prob(self, x, y):
        white = np.linalg.solve(self.factor, (x - self.mean(y)).T)
        log_det = np.log(np.diag(self.factor)).sum()
        constant = 0.5 * N_X * math.log(2 * math.pi)
        return -0.5 * (white**2).sum(axis=0) - log_det - constant

    def errors(self, sampler, observed):
        """Root mean square of the mean in deviations, and mean of the covariance."""
        deviation = np.sqrt(np.diag(self.covariance))
        of_mean, of_covariance = [], []
        for y in observed:
            samples = sampler(y, N_SAMPLES)
            of_mean.append((samples.mean(axis=0) - self.mean(y)) / deviation)
            difference = np.cov(samples.T) - self.covariance
            of_covariance.append(np.linalg.norm(difference))
        relative = np.mean(of_covariance) / np.linalg.norm(self.covariance)
        return np.sqrt(np.mean(np.square(of_mean))), relative


class TrainedGlow:
    """Conditional Glow: x given y."""

    def __init__(self, problem, rng):
        options = dict(L=1, K=4, ndims=0, n_reflections=N_X, rng=rng)
        self.net = NetworkConditionalGlow(N_X, N_Y, 16, **options)
        train(self, problem, 400)

    def add_gradients(self, x, y):
        z, _ = self.net.forward(x, y)
        self.net.backward(z / len(x), z, y)

    def sample(self, y, z):
        return self.net.inverse(z, np.repeat(y[None], len(z), axis=0))

    def log_prob(self, x, y):
        return self.net.log_prob(x, y)


class TrainedHINT:
    """Conditional HINT: x and y together, and x given y as part of it."""

    def __init__(self, problem, rng):
        options = dict(n_y=N_Y, ndims=0, n_reflections=N_X, rng=rng)
        self.net = NetworkConditionalHINT(N_X, 16, 3, **options)
        train(self, problem, 400)

    def add_gradients(self, x, y):
        zx, zy, _ = self.net.forward(x, y)
        self.net.backward(zx / len(x), zy / len(x), zx, zy)

    def sample(self, y, z):
        zy = self.net.forward_y(y[None])
        return self.net.inverse(z, np.repeat(zy, len(z), axis=0))[0]

    def log_prob(self, x, y):
        zx, _, _ = self.net.forward(x, y)
        ld_x, _ = self.net.log_abs_det_lanes(x, y)
        return standard_normal(zx) + ld_x


def train(flow, problem, n_steps, batch=128):
    optimiser = ADAM(1e-2, schedule=cosine_decay(n_steps, warmup=20), clip_norm=10.0)
    flow.net.initialize(*problem.draw(1000))
    for _ in range(n_steps):
        flow.net.clear_grad()
        flow.add_gradients(*problem.draw(batch))
        optimiser.step(flow.net.get_params())


def standard_normal(z):
    return -0.5 * (z**2).sum(axis=1) - 0.5 * z.shape[1] * math.log(2 * math.pi)


@pytest.fixture(scope="module")
def problem():
    return LinearGaussian(np.random.default_rng(7))


@pytest.fixture(scope="module", params=[TrainedGlow, TrainedHINT])
def flow(request, problem):
    problem.rng = np.random.default_rng(2)
    return request.param(problem, np.random.default_rng(0))


@pytest.fixture
def observed(problem):
    problem.rng = np.random.default_rng(1)
    return problem.draw(N_OBSERVED)[1]


def test_samples_have_the_mean_and_covariance_of_the_posterior(problem, observed, flow):
    def sampler(y, count):
        z = problem.rng.standard_normal((count, N_X), dtype="float32")
        return flow.sample(y, z)

    of_mean, of_covariance = problem.errors(sampler, observed)
    assert of_mean <= MEAN_BAR
    assert of_covariance <= COVARIANCE_BAR


def test_density_is_that_of_the_posterior(problem, observed, flow):
    x, y = problem.draw(2000)
    excess = problem.log_prob(x, y) - flow.log_prob(x, y)
    assert abs(excess.mean()) <= EXCESS_BAR


def test_an_exact_sampler_is_far_below_the_bars(problem, observed):
    of_mean, of_covariance = problem.errors(problem.sample, observed)
    assert of_mean <= 0.03
    assert of_covariance <= 0.04


def test_who_ignores_the_observation_misses_the_bars(problem, observed):
    # The best that a network can do without y is the prior.
    of_mean, of_covariance = problem.errors(problem.sample_prior, observed)
    assert of_mean > 4 * MEAN_BAR
    assert of_covariance > 4 * COVARIANCE_BAR
    x, y = problem.draw(2000)
    excess = problem.log_prob(x, y) - standard_normal(x - PRIOR_MEAN)
    assert excess.mean() > 4 * EXCESS_BAR


def test_another_observation_misses_the_bars(problem, observed, flow):
    def sampler(y, count):
        z = problem.rng.standard_normal((count, N_X), dtype="float32")
        return flow.sample(2.0 - y, z)

    of_mean, _ = problem.errors(sampler, observed)
    assert of_mean > 4 * MEAN_BAR
    x, y = problem.draw(2000)
    excess = problem.log_prob(x, y) - flow.log_prob(x, np.roll(y, 1, axis=0))
    assert excess.mean() > 4 * EXCESS_BAR


# --- gradients and densities, to rounding ------------------------------------------


def difference_quotients(function, x, step=1e-6):
    """Derivative of every sample's values by its entries: (N, *values, C)."""
    columns = []
    for i in range(x.shape[1]):
        shift = np.zeros_like(x)
        shift[:, i] = step
        columns.append((function(x + shift) - function(x - shift)) / (2 * step))
    return np.stack(columns, axis=-1)


def randomised(net, x, y, rng):
    """Away from the start, at which all couplings are the identity."""
    net.initialize(x, y)
    for p in net.get_params():
        p.data = p.data + 0.3 * rng.normal(size=p.shape)
    return net


@pytest.fixture
def pairs(rng):
    return rng.normal(size=(5, N_X)), rng.normal(size=(5, N_Y))


@pytest.fixture
def glow(pairs, rng):
    net = NetworkConditionalGlow(
        N_X, N_Y, 8, L=1, K=3, ndims=0, dtype="float64", rng=rng
    )
    return randomised(net, *pairs, rng)


@pytest.fixture
def hint(pairs, rng):
    net = NetworkConditionalHINT(N_X, 8, 3, n_y=N_Y, ndims=0, dtype="float64", rng=rng)
    return randomised(net, *pairs, rng)


def test_score_through_a_frozen_conditional_glow(glow, pairs):
    (x, y), n_samples = pairs, len(pairs[0])
    glow.freeze()
    before = [p.data.copy() for p in glow.get_params()]
    z, _ = glow.forward(x, y)
    dx, _, dy = glow.backward(z / n_samples, z, y)
    of_x = difference_quotients(lambda x: glow.log_prob(x, y), x)
    of_y = difference_quotients(lambda y: glow.log_prob(x, y), y)
    np.testing.assert_allclose(-n_samples * dx, of_x, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(-n_samples * dy, of_y, rtol=1e-5, atol=1e-6)
    assert all(grad is None for grad in glow.get_grads())
    ADAM().step(glow.get_params())
    for p, data in zip(glow.get_params(), before, strict=True):
        assert (p.data == data).all()


def test_score_through_a_frozen_conditional_hint(hint, pairs):
    (x, y), n_samples = pairs, len(pairs[0])
    hint.freeze()
    zx, zy, _ = hint.forward(x, y)
    dx, dy, *_ = hint.backward(zx / n_samples, zy / n_samples, zx, zy)
    of_x = difference_quotients(lambda x: hint.log_prob(x, y), x)
    of_y = difference_quotients(lambda y: hint.log_prob(x, y), y)
    np.testing.assert_allclose(-n_samples * dx, of_x, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(-n_samples * dy, of_y, rtol=1e-5, atol=1e-6)
    assert all(grad is None for grad in hint.get_grads())


def test_conditional_density_is_the_joint_less_the_marginal(hint, pairs):
    x, y = pairs
    zx, _, _ = hint.forward(x, y)
    ld_x, ld_y = hint.log_abs_det_lanes(x, y)
    conditional = standard_normal(zx) + ld_x
    marginal = hint.lane_y.log_prob(y)
    np.testing.assert_allclose(conditional, hint.log_prob(x, y) - marginal, rtol=1e-12)
    assert np.ptp(ld_x) > 0.1  # a mean over the batch would not do
    assert np.ptp(ld_y) > 0.1


def test_log_determinants_of_the_lanes_are_those_of_their_jacobians(hint, pairs):
    x, y = pairs
    of_x = difference_quotients(lambda x: hint.forward(x, y)[0], x)
    of_y = difference_quotients(hint.forward_y, y)
    ld_x, ld_y = hint.log_abs_det_lanes(x, y)
    np.testing.assert_allclose(ld_x, np.linalg.slogdet(of_x)[1], atol=1e-6)
    np.testing.assert_allclose(ld_y, np.linalg.slogdet(of_y)[1], atol=1e-6)
