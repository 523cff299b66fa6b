"""ConditionalLayerHINT: two lanes, the first of which sees the second.

Lane Y goes its way alone, so it can be mapped without lane X: ``forward_y``. Fixing
its latent gives a map between x and its latent given y.
"""

import numpy as np

from invertiblenetworks import ADAM, ConditionalLayerHINT

rng = np.random.default_rng(1)
n, n_x, n_y, n_hidden = 16, 4, 2, 16
y = rng.standard_normal((n, n_y, 8, 8), "float32")
x = rng.standard_normal((n, n_x, 8, 8), "float32")
x = 0.3 * x + np.concatenate((y, -y), axis=1)

layer = ConditionalLayerHINT(n_x, n_hidden, n_y=n_y, logdet=True, rng=rng)
optimizer, losses = ADAM(1e-2), []
for _ in range(50):
    zx, zy, logdet = layer.forward(x, y)
    losses.append(0.5 / n * ((zx**2).sum() + (zy**2).sum()) - logdet)
    layer.clear_grad()
    dx, dy, x_again, y_again = layer.backward(zx / n, zy / n, zx, zy)
    optimizer.step(layer.get_params())

zx, zy, logdet = layer.forward(x, y)
x_again, y_again = layer.inverse(zx, zy)
print(f"loss: {losses[0]:.0f} -> {losses[-1]:.0f}")
print(f"round trip: {abs(x_again - x).max():.0e}, {abs(y_again - y).max():.0e}")
print(f"lane Y alone, forward: {abs(layer.forward_y(y) - zy).max():.0e}")
print(f"lane Y alone, inverse: {abs(layer.inverse_y(zy) - y).max():.0e}")
of_x, of_y = layer.log_abs_det_lanes(x, y)
print(f"log-determinant: {logdet:.0f} = {of_x.mean():.0f} + {of_y.mean():.0f}")

z = rng.standard_normal(x.shape, "float32")
samples, _ = layer.inverse(z, zy)  # samples of x given y
error = np.sqrt(((samples[:, :n_y] - y) ** 2).mean())
error_of_data = np.sqrt(((x[:, :n_y] - y) ** 2).mean())
print(f"typical distance from y: samples {error:.2f}, data {error_of_data:.2f}")
