"""Parameters as vectors: sums, inner products, norms, and setting them.

``get_params`` lists the parameters of a network always in the same order, and
``get_grads`` their gradients. The functions here take lists of parameters or of arrays
and return lists of new arrays.
"""

import numpy as np

from invertiblenetworks import NetworkGlow, axpy, dot, norm, par2vec, scale, vec2par

rng = np.random.default_rng(1)
n = 4
x = rng.standard_normal((n, 4, 16, 16), "float32") ** 3
net = NetworkGlow(4, 16, L=1, K=2, dtype="float64", rng=rng)
x = x.astype("float64")
net.initialize(x)


def loss():
    """Negative log-likelihood, and its gradient in the network."""
    z, logdet = net.forward(x)
    net.clear_grad()
    net.backward(z / n, z)
    return 0.5 / n * (z**2).sum() - logdet


before = loss()
params = scale(1.0, net.get_params())  # copies of the values
gradient = net.get_grads()
print(f"parameters: {len(params)}, their norm {norm(params):.3f}")
print(f"gradient: norm {norm(gradient):.3f}, parts {norm(gradient[:2]):.3f}, ...")

length = 1e-5 / norm(gradient)
net.set_params(axpy(-length, gradient, params))  # params - length * gradient
change, expected = loss() - before, -length * dot(gradient, gradient)
print(f"change along the gradient: {change:.6e}, expected {expected:.6e}")

vector, shapes = par2vec(params)  # for tools that work on one vector
net.set_params(vec2par(vector, shapes))
print(f"vector: {vector.shape}, loss again as before: {loss() - before:.0e}")
