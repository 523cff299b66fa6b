"""NetworkHyperbolic on volumes: a wave-like network on two states.

The architecture is a list of (action, number of hidden channels): action -1 halves the
resolution, 1 doubles it, 0 keeps it. Trained here to map one volume to another.
"""

import numpy as np

from invertiblenetworks import ADAM, NetworkHyperbolic, mse, mse_grad

rng = np.random.default_rng(1)
architecture = ((0, 3), (-1, 3), (0, 3), (1, 4), (0, 8))
net = NetworkHyperbolic(2, architecture, alpha=0.2, ndims=3, rng=rng)

x = rng.standard_normal((2, 2, 16, 16, 16), "float32")  # batch, channels, nz, ny, nx
target = np.roll(x, 1, axis=2) + np.roll(x, -1, axis=2)

optimizer, losses = ADAM(1e-2), []
for _ in range(30):
    previous, current, logdet = net.forward(x, x)
    losses.append(mse(current, target))
    d_current = mse_grad(current, target)
    net.clear_grad()
    net.backward(np.zeros_like(previous), d_current, previous, current)
    optimizer.step(net.get_params())

previous, current, logdet = net.forward(x, x)
x1, x2 = net.inverse(previous, current)
print(net)
print(f"states: {x.shape} -> {current.shape}")
print(f"misfit: {losses[0]:.0f} -> {losses[-1]:.0f}")
print(f"log-determinant: {logdet:.0f}")
print(f"round trip: {abs(x1 - x).max():.0e}, {abs(x2 - x).max():.0e}")
