"""Compose networks: ``Chain`` in the order of application, ``Composition`` against it.

The result is a network like any other: it has an inverse, gradients and the sum of the
log-determinants. Its parts are not copied; the same one may stand in several places.
"""

import numpy as np

from invertiblenetworks import ADAM, Chain, Composition, NetworkGlow, WaveletLayer

rng = np.random.default_rng(1)
n = 4
x = rng.uniform(0.0, 1.0, (n, 1, 32, 32)).astype("float32")

squeeze = WaveletLayer()
net1 = NetworkGlow(4, 16, L=1, K=2, rng=rng)
net2 = NetworkGlow(4, 16, L=1, K=2, rng=rng)

net = Composition(net2, net1, squeeze)  # net2(net1(squeeze(x))), as in mathematics
chain = Chain(squeeze, net1, net2, logdet=True)  # the same, written the other way
z, logdet = net.forward(x)
step, logdet1 = net1.forward(squeeze.forward(x))
z_again, logdet2 = net2.forward(step)
print(f"{len(net)} layers, {len(net.get_params())} parameters: {x.shape} -> {z.shape}")
print(f"composition and one by one: {abs(z - z_again).max():.0e}")
print(f"composition and chain: {abs(z - chain.forward(x)[0]).max():.0e}")
print(f"log-determinant: {logdet:.1f} = {logdet1:.1f} + {logdet2:.1f}")
print(f"round trip: {abs(net.inverse(z) - x).max():.0e}")

optimizer, losses = ADAM(2e-3), []
for _ in range(20):
    z, logdet = net.forward(x)
    losses.append(0.5 / n * (z**2).sum() - logdet)
    net.clear_grad()
    net.backward(z / n, z)
    optimizer.step(net.get_params())
print(f"loss: {losses[0]:.0f} -> {losses[-1]:.0f}")

twice = Composition(net1, net1)  # shared: parameters once, their gradients added
print(f"parameters of net1: {len(net1.get_params())}, twice: {len(twice.get_params())}")
