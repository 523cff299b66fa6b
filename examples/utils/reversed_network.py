"""The inverse of a network as a network: fit a density without any samples of it.

``reverse(net)`` maps latents to samples and returns its own log-determinant, so it can
be trained to sample a given density p: minimise the mean of ``-log p(x) - logdet``.
The parameters are those of ``net``, which then has the density of the samples.
"""

import numpy as np

from invertiblenetworks import ADAM, NetworkGlow, reverse

rng = np.random.default_rng(1)
n = 128
center = np.array([3.0, -1.0], "float32")
precision = np.array([[2.0, -1.5], [-1.5, 2.0]], "float32")  # of a Gaussian

net = NetworkGlow(2, 16, L=1, K=4, ndims=0, rng=rng)
sampler = reverse(net)
optimizer, losses = ADAM(5e-3), []
for _ in range(400):
    z = rng.standard_normal((n, 2), "float32")
    x, logdet = sampler.forward(z)
    gradient = (x - center) @ precision / n  # of the mean of -log p
    losses.append(0.5 * (gradient * (x - center)).sum() - logdet)
    sampler.clear_grad()
    sampler.backward(gradient, x)
    optimizer.step(sampler.get_params())

print(f"loss: {losses[0]:.2f} -> {np.mean(losses[-20:]):.2f}")
x, logdet = sampler.forward(rng.standard_normal((5000, 2), "float32"))
z, logdet_of_net = net.forward(x)
print(f"log-determinants: {logdet:.3f} of the sampler, {logdet_of_net:.3f} of the net")
print(f"round trip: {abs(sampler.forward(z)[0] - x).max():.0e}")
print(f"mean of the samples: {x.mean(axis=0).round(2)}, wanted {center}")
print("covariance of the samples, and the one wanted:")
print(np.hstack((np.cov(x.T), np.linalg.inv(precision))).round(2))
exact = 0.5 * np.log(np.linalg.det(precision)) - np.log(2.0 * np.pi)
learned = net.log_prob(center[None])[0]
print(f"log-density at the center: {learned:.3f}, right {exact:.3f}")
print(f"reversed twice is the net itself: {reverse(sampler) is net}")
