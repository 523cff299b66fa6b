"""HyperbolicLayer on volumes: one leapfrog step of a wave-like network.

Of two states, the previous and the current one, it makes the current and the next one.
The step may first halve the resolution by a Haar transform (action -1: eight times as
many channels, in volumes of half the size) or double it (action 1). The
log-determinant is zero. With a small alpha the states change slowly.
"""

import numpy as np

from invertiblenetworks import HyperbolicLayer

rng = np.random.default_rng(1)
n, n_channels, size = 2, 8, 16
previous = rng.standard_normal((n, n_channels, size, size, size), "float32")
current = previous + 0.1 * rng.standard_normal(previous.shape, "float32")

for action in (0, 1, -1):
    layer = HyperbolicLayer(
        n_channels, 3, 1, 1, action=action, alpha=0.1, logdet=True, ndims=3, rng=rng
    )
    y1, y2, logdet = layer.forward(previous, current)
    previous_again, current_again = layer.inverse(y1, y2)
    error = abs(previous_again - previous).max()
    dprevious, dcurrent, *_ = layer.backward(y1, y2, y1, y2)
    print(f"action {action}: {current.shape} -> {y2.shape}")
    print(f"    deviation of the states: {previous.std():.2f} -> {y2.std():.2f}")
    print(f"    log-determinant: {logdet:.0f}")
    print(f"    round trip: {error:.0e}, {abs(current_again - current).max():.0e}")
    print(f"    gradients: {dprevious.shape}, {[g.shape for g in layer.get_grads()]}")
