"""NetworkConditionalHINT: posterior samples of x given an observed y.

x is a point of the banana, y the same point with noise. The network learns both
jointly; lane Y then gives the latent of the observation, and samples of x follow by
inverting random latents of lane X beside it.
"""

import numpy as np

from invertiblenetworks import ADAM, NetworkConditionalHINT, sample_banana

rng = np.random.default_rng(1)
n, noise = 64, 0.4


def draw_pairs():
    """Points and their noisy observations."""
    x = sample_banana(n, (1.0, 1.0), rng=rng)
    return x, x + noise * rng.standard_normal(x.shape, "float32")


net = NetworkConditionalHINT(2, 32, depth=4, k1=1, p1=0, k2=1, p2=0, rng=rng)
optimizer, losses = ADAM(3e-3), []
for _ in range(200):
    zx, zy, logdet = net.forward(*draw_pairs())
    losses.append(0.5 / n * ((zx**2).sum() + (zy**2).sum()) - logdet)
    net.clear_grad()
    net.backward(zx / n, zy / n, zx, zy)
    optimizer.step(net.get_params())

x, y = draw_pairs()
zx, zy, logdet = net.forward(x, y)
x_again, y_again = net.inverse(zx, zy)
print(f"loss: {losses[0]:.2f} -> {np.mean(losses[-20:]):.2f}")
print(f"log-determinant: {logdet:.2f}")
print(f"round trip: {abs(x_again - x).max():.0e}, {abs(y_again - y).max():.0e}")
observed = np.repeat(y[:1], 500, axis=0)
latent = rng.standard_normal(observed.shape, "float32")
samples, _ = net.inverse(latent, net.forward_y(observed))
print(f"x:         {x[0].ravel().round(2)}, observed {y[0].ravel().round(2)}")
print(f"posterior: mean {samples.mean(axis=0).ravel().round(2)}, ", end="")
print(f"deviation {samples.std(axis=0).ravel().round(2)}")
