"""Cases of unrolled inverse problems, given data and a linear operator."""

from __future__ import annotations

import math

import numpy as np

import invertiblenetworks as inn
from invertiblenetworks.backend import get_array_module, linear_operator_class
from invertiblenetworks.nets.data_gradient import GaussNewtonTerm
from invertiblenetworks.testing import Case

from .pieces import ONE_TAP, actnorm, drawn

N_DATA = 3
STATES = {"1-D": (2, 1, 4), "2-D": (2, 1, 2, 3), "3-D": (2, 1, 2, 1, 2)}


def matrix(A):
    return A


def linear_operator(A):
    """The matrix as an operator of SciPy or CuPy, known by its products only."""
    kind = linear_operator_class(get_array_module(A))
    adjoint = A.conj().T
    return kind(A.shape, lambda v: A @ v, lambda v: adjoint @ v, dtype=A.dtype)


def observation(eta, as_operator=matrix):
    """Return a function that makes data and an operator of norm about 1."""
    n_samples, n_pixels = eta[0], math.prod(eta[2:])

    def context(f):
        rng = np.random.default_rng(3)
        A = rng.uniform(-1.0, 1.0, (N_DATA, n_pixels)) / math.sqrt(n_pixels)
        d = rng.standard_normal((n_samples, N_DATA))
        return f.array(d), as_operator(f.array(A))

    return context


def loop(f, n_in=3, maxiter=1, psi="tanh", **options):
    options = {**ONE_TAP, "s1": 1, "block_activation": "tanh", **options}
    return inn.NetworkLoop(n_in, 2, maxiter, psi, **options, **drawn(f))


def case(name, eta, as_operator=matrix, *, smooth=True, **options):
    n_in = options.get("n_in", 3)
    options["ndims"] = len(eta) - 2
    return Case(
        f"NetworkLoop {name}",
        lambda f: loop(f, **options),
        (eta, (eta[0], n_in - 1, *eta[2:])),
        context=observation(eta, as_operator),
        smooth=smooth,
    )


def networks():
    for name, eta in STATES.items():
        for kind in ("additive", "HINT"):
            yield case(f"{kind} {name}", eta, kind=kind, maxiter=2)
    line = STATES["1-D"]
    yield case("operator", line, linear_operator)
    yield case("two channels", line, n_in=2)
    yield case("quarter resolution", line, k1=4, s1=4, k2=3, p2=1)
    yield case("without psi", line, psi=None)
    yield case("softplus", line, psi="softplus")
    yield case("HINT sigmoid", line, kind="HINT", activation="sigmoid")
    yield case("ReLU", line, block_activation="relu", smooth=False)
    yield case("padded", line, k1=4, p1=1, s1=2)
    options = {"data_term": "gauss_newton", "cg_steps": 12}
    yield case("Gauss-Newton damped", line, damping=0.5, **options)
    yield case("Gauss-Newton", line, **options)
    yield case("Gauss-Newton operator", line, linear_operator, **options)


def nets():
    eta = STATES["2-D"]

    def build(f, n_out, **options):
        return inn.DataGradient(n_out, actnorm(f, 1), psi="tanh", **options)

    terms = {"": None, " Gauss-Newton": GaussNewtonTerm(0.2, 12)}
    for name, term in terms.items():
        for n_out in (1, 3):
            yield Case(
                f"DataGradient {n_out} channels{name}",
                lambda f, n=n_out, term=term: build(f, n, term=term),
                eta,
                context=observation(eta),
            )


LOOPS = list(networks())
DATA_GRADIENTS = list(nets())
