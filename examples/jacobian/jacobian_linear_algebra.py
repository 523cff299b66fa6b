"""The derivative of a network as a linear operator, for the solvers of SciPy.

A HINT network y = f(x; theta) has a derivative with respect to its parameters, to its
input, and to both. None is ever written as a matrix.
"""

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg, lsqr, svds

from invertiblenetworks import Composition, CouplingLayerHINT, Jacobian

rng = np.random.default_rng(1)
options = dict(permute="full", dtype="float64", rng=rng)
net = Composition(*[CouplingLayerHINT(8, 8, **options) for _ in range(2)])
for p in net.get_params():  # couplings start as the identity: move away from it
    p.data += 0.1 * rng.standard_normal(p.shape)
x = rng.standard_normal((2, 8, 4, 4))

for io_mode in ("params", "input_params", "input"):
    J = Jacobian(net, x, io_mode)
    v, w = rng.standard_normal(J.shape[1]), rng.standard_normal(J.shape[0])
    error = abs((J @ v) @ w - v @ (J.H @ w)) / abs((J @ v) @ w)
    print(f"{io_mode}: shape {J.shape}, adjoint test: {error:.0e}")
singular_values = svds(J, k=3, v0=x.ravel(), return_singular_vectors=False)
print(f"largest singular values for the input: {singular_values.round(2)}")

J = Jacobian(net, x)  # which change of the parameters makes y one percent longer?
wanted = 0.01 * J.y.ravel()
length = np.linalg.norm(wanted)
step, _, n_steps, misfit = lsqr(J, wanted)[:4]
print(f"lsqr: {n_steps} steps, misfit {misfit / length:.0e}")

n_params, damping = J.shape[1], 1e-2
normal = LinearOperator((n_params, n_params), lambda v: J.H @ (J @ v) + damping * v)
damped, info = cg(normal, J.H @ wanted, rtol=1e-6)
misfit = np.linalg.norm(J @ damped - wanted)
print(f"cg with damping: misfit {misfit / length:.0e}, converged: {info == 0}")
for p, change in zip(net.get_params(), J.split_domain(damped)[1], strict=True):
    p.data += change
misfit = np.linalg.norm(net.forward(x).ravel() - J.y.ravel() - wanted)
print(f"misfit of the network with these parameters: {misfit / length:.0e}")
