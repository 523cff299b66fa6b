"""ConditionalLayerGlow: a coupling that also sees a condition.

The condition has the spatial size of the state. Here the state is the condition plus
noise; trained, the layer knows what the condition tells, and ``log_prob`` of the right
pairs is far above that of shuffled ones.
"""

import numpy as np

from invertiblenetworks import ADAM, ConditionalLayerGlow

rng = np.random.default_rng(1)
n, n_channels, n_cond, n_hidden = 16, 4, 2, 16
cond = rng.standard_normal((n, n_cond, 8, 8), "float32")
x = rng.standard_normal((n, n_channels, 8, 8), "float32")
x = 0.3 * x + np.concatenate((cond, -cond), axis=1)

layer = ConditionalLayerGlow(n_channels, n_cond, n_hidden, logdet=True, rng=rng)
optimizer, losses = ADAM(1e-2), []
for _ in range(100):
    y, logdet = layer.forward(x, cond)
    losses.append(0.5 / n * (y**2).sum() - logdet)
    layer.clear_grad()
    dx, x_again, dcond = layer.backward(y / n, y, cond)
    optimizer.step(layer.get_params())

y, logdet = layer.forward(x, cond)
print(f"loss: {losses[0]:.0f} -> {losses[-1]:.0f}")
print(f"log-determinant: {logdet:.0f}")
print(f"round trip: {abs(layer.inverse(y, cond) - x).max():.0e}")
print(f"gradients: x {dx.shape}, condition {dcond.shape}")
shuffled = np.roll(cond, 1, axis=0)
print(f"log-density given the right condition: {layer.log_prob(x, cond).mean():.0f}")
print(f"log-density given a wrong one: {layer.log_prob(x, shuffled).mean():.0f}")
