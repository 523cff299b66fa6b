"""NetworkGlow with fully connected conditioners, for signals of a fixed length.

With ``dense`` every entry of a signal can depend on every other one. A signal of one
channel is squeezed first, into its even and its odd entries.
"""

import numpy as np

from invertiblenetworks import ADAM, NetworkGlow

rng = np.random.default_rng(1)
n, nx = 32, 64


def draw_signals():
    """One wave of random phase each, and noise."""
    phase = rng.uniform(0.0, 2.0 * np.pi, (n, 1, 1))
    x = np.sin(np.linspace(0.0, 2.0 * np.pi, nx) + phase)
    return (x + 0.1 * rng.standard_normal(x.shape)).astype("float32")


net = NetworkGlow(1, 32, L=1, K=4, nx=nx, dense=True, ndims=1, rng=rng)
optimizer, losses = ADAM(2e-3), []
for _ in range(200):
    z, logdet = net.forward(draw_signals())
    losses.append(0.5 / n * (z**2).sum() - logdet)
    net.clear_grad()
    net.backward(z / n, z)
    optimizer.step(net.get_params())

x = draw_signals()
z, logdet = net.forward(x)
noise = rng.standard_normal(x.shape, "float32")
print(net)
print(f"loss: {losses[0]:.1f} -> {losses[-1]:.1f}")
print(f"log-determinant: {logdet:.1f}")
print(f"round trip: {abs(net.inverse(z) - x).max():.0e}")
print(f"log-density: waves {net.log_prob(x).mean():.0f}, ", end="")
print(f"white noise {net.log_prob(noise).mean():.0f}")
