"""Conv1x1: mix the channels of each pixel by a trained orthogonal matrix.

The matrix is a product of Householder reflections, so that the inverse is the
transpose, lengths are kept and the log-determinant is zero. Gradients can be taken
in both directions, from ``backward`` and from ``backward_inv``.
"""

import numpy as np

from invertiblenetworks import Conv1x1

rng = np.random.default_rng(1)
x = rng.standard_normal((4, 10, 64, 64), "float32")

layer = Conv1x1(10, logdet=True, rng=rng)
y, logdet = layer.forward(x)
print(f"length of x and of y: {np.sqrt((x**2).sum()):.2f}, {np.sqrt((y**2).sum()):.2f}")
print(f"log-determinant: {logdet:.0f}")
print(f"round trip: {abs(layer.inverse(y) - x).max():.0e}")
print(f"gradients after forward and inverse: {layer.get_grads()}")

dy = rng.standard_normal(y.shape, "float32")
dx, x_again = layer.backward(dy, y)
print(f"input recomputed by backward: {abs(x_again - x).max():.0e}")
print(f"gradients after backward: {[g.shape for g in layer.get_grads()]}")

layer.clear_grad()
dy_again, y_again = layer.backward_inv(dx, x)
print(f"dy from backward_inv of dx: {abs(dy_again - dy).max():.0e}")

matrix, _ = layer.forward(np.eye(10, dtype="float32"))  # ten samples of one pixel
print(f"distance from orthogonal: {abs(matrix @ matrix.T - np.eye(10)).max():.0e}")
frozen = Conv1x1(10, freeze=True, rng=rng)
frozen.backward(dy, y)
print(f"gradients of a frozen layer: {frozen.get_grads()}")
