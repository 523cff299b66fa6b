"""NetworkGlow: a few steps of training on images, and samples.

With ``split_scales`` each scale is squeezed to half the resolution, and half of its
channels go on to the next; the latent keeps the shape of the images.
"""

import numpy as np

from invertiblenetworks import ADAM, NetworkGlow

rng = np.random.default_rng(1)
n, n_channels, size = 8, 3, 32


def draw_images():
    """Smooth random images: sums of waves."""
    angle = np.linspace(0.0, 2.0 * np.pi, size, endpoint=False)
    phase_y, phase_x = rng.uniform(0.0, 2.0 * np.pi, (2, n, n_channels, 1, 1))
    x = np.sin(angle[:, None] + phase_y) + np.sin(2.0 * angle + phase_x)
    return (x + 0.1 * rng.standard_normal(x.shape)).astype("float32")


net = NetworkGlow(n_channels, 32, L=2, K=2, split_scales=True, rng=rng)
optimizer, losses = ADAM(2e-3), []
for _ in range(40):
    z, logdet = net.forward(draw_images())
    losses.append(0.5 / n * (z**2).sum() - logdet)
    net.clear_grad()
    net.backward(z / n, z)
    optimizer.step(net.get_params())

x = draw_images()
z, logdet = net.forward(x)
print(net)
print(f"loss: {losses[0]:.0f} -> {losses[-1]:.0f}")
print(f"log-determinant: {logdet:.0f}")
print(f"round trip: {abs(net.inverse(z) - x).max():.0e}")
print(f"log-density of samples: {net.log_prob(x)[:3].round()}")
samples = net.inverse(rng.standard_normal(x.shape, "float32"))
print(f"deviation of pixels: data {x.std():.2f}, samples {samples.std():.2f}")
