"""Unrolled inverse problems: the invertible recurrent inference machine."""

from __future__ import annotations

from .._types import Rng
from ..base import InverseProblemMixin
from ..base.expected_shapes import Expected, ExpectedShapesMixin
from ..compose import Chain, PairSplit, Split, reverse
from ..errors import expect, expect_in, expect_positive
from ..init import as_rng
from ..kernels.activation_layers import Activation
from ..layers import ActNorm, Coupling, CouplingLayerHINT, CouplingLayerIRIM
from ..nets.data_gradient import DataGradient, GaussNewtonTerm, GradientTerm
from ..transformers import AdditiveTransformer


class NetworkLoop(ExpectedShapesMixin, InverseProblemMixin, Chain):
    """Unrolled solution of ``A psi(eta) = d`` (i-RIM), with memory free of its depth.

    The state is the image ``eta`` of one channel and a memory ``s`` of the other
    channels. Iteration j, with a normalisation AN and an invertible layer L of its
    own::

        g = A^H (A psi(eta) - d)
        s = s + (AN_j(g), 0, ..., 0)
        (eta, s) = L_j(eta, s)

    Parameters
    ----------
    n_in : int
        Channels of eta and s together, at least 2.
    n_hidden : int
        Width of the conditioners.
    maxiter : int
        Number of iterations.
    psi : Activation or str, optional
        Elementwise link between eta and what the operator acts on; by default none.
    k1, k2, p1, p2, s1, s2, ndims
        See ``ResidualBlock``. With the defaults spatial sizes must be divisible by 4.
    kind : {"additive", "HINT"}, default "additive"
        L is a ``CouplingLayerIRIM``, or a ``CouplingLayerHINT`` between a 1x1
        convolution and its inverse, which has a log-determinant.
    logdet : bool, default False
        As for every layer.
    activation : Activation or str, optional
        Of the scales of "HINT"; see ``CouplingLayerGlow``.
    data_term : {"gradient", "gauss_newton"}, default "gradient"
        "gauss_newton" takes ``g = (A^H A + damping)^-1 A^H (A psi(eta) - d)``, with up
        to ``cg_steps`` more products of A and its adjoint for each use of them.
    damping : float, default 0.1
        Greater than 0; in units of ``|A|^2`` after scaling A to norm 1.
    cg_steps : int, default 100
        Most steps of conjugate gradients. See ``kernels.least_squares.damped_solve``
        for how many are needed: gradients are exact if the solution is.
    block_activation : Activation or str, default "relu"
        Between the convolutions of the conditioners.
    dtype, rng
        As for every layer.

    Shapes
    ------
    eta : (N, 1, *spatial)
    s : (N, n_in - 1, *spatial)
    d : (N, n_data), or N samples of n_data numbers in any shape; real or complex
    A : (n_data, pixels)
        One linear operator for the whole batch, on the pixels in C order: a matrix,
        dense or sparse, or an operator of SciPy, CuPy, PyLops or of one's own with
        ``shape``, a product (``@`` or ``matvec``) and an adjoint (``H``, ``rmatvec``
        or ``T``). On a GPU it must work on CuPy arrays.

    Notes
    -----
    The methods are ``forward(eta, s, d, A)``, ``backward(deta, ds, eta, s, d, A)`` and
    so on, see ``InverseProblemMixin``; d and A get no gradient. Per iteration and
    sample, forward and inverse apply A and its adjoint once, derivatives twice.

    Scale A to norm 1, so that a gradient step does not overshoot. The derivative of
    psi is part of all gradients, which the original leaves out; no argument is
    overwritten.

    References
    ----------
    Putzky and Welling (2019), Invert to learn to invert, section 3,
    arXiv:1911.10914.

    Examples
    --------
    >>> import numpy as np
    >>> from invertiblenetworks import NetworkLoop
    >>> rng = np.random.default_rng(0)
    >>> A = rng.normal(size=(20, 64)).astype("float32") / 12
    >>> eta, s = np.zeros((2, 1, 8, 8), "float32"), np.zeros((2, 3, 8, 8), "float32")
    >>> d = rng.normal(size=(2, 20)).astype("float32")
    >>> net = NetworkLoop(4, 8, maxiter=3, rng=1)
    >>> eta_out, s_out = net.forward(eta, s, d, A)
    >>> deta, ds, eta, s = net.backward(eta_out, 0 * s_out, eta_out, s_out, d, A)
    """

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        maxiter: int,
        psi: Activation | str | None = None,
        *,
        k1: int = 4,
        k2: int = 3,
        p1: int = 0,
        p2: int = 1,
        s1: int = 4,
        s2: int = 1,
        kind: str = "additive",
        ndims: int = 2,
        logdet: bool = False,
        activation: Activation | str | None = None,
        data_term: str = "gradient",
        damping: float = 0.1,
        cg_steps: int = 100,
        block_activation: Activation | str = "relu",
        dtype: object = "float32",
        rng: Rng | None = None,
    ):
        where, rng = "NetworkLoop", as_rng(rng)
        expect_positive(where, n_in=n_in, n_hidden=n_hidden, maxiter=maxiter)
        expect(n_in >= 2, where, "n_in of at least 2 channels", f"{n_in}")
        self._expected = Expected(ndims, (1, n_in - 1))
        expect_in(where, ("additive", "HINT"), kind=kind)
        expect_in(where, ("gradient", "gauss_newton"), data_term=data_term)
        options = dict(
            **dict(k1=k1, k2=k2, p1=p1, p2=p2, s1=s1, s2=s2, ndims=ndims),
            block_activation=block_activation,
            dtype=dtype,
            rng=rng,
        )
        layer = CouplingLayerIRIM
        if kind == "HINT":
            layer = CouplingLayerHINT
            options.update(permute="both", activation=activation)
        else:
            wanted = "activation only with kind='HINT', which has scales"
            expect(activation is None, where, wanted, repr(activation))
        term = GradientTerm()
        if data_term == "gauss_newton":
            term = GaussNewtonTerm(damping, cg_steps)
        layers = []
        for _ in range(maxiter):
            norm = ActNorm(1, dtype=dtype)
            gradient = DataGradient(n_in - 1, norm, psi=psi, term=term)
            layers += [
                Coupling(gradient, AdditiveTransformer(), PairSplit()),
                reverse(Split(1)),
                layer(n_in, n_hidden, **options),
                Split(1),
            ]
        super().__init__(*layers, logdet=logdet)
