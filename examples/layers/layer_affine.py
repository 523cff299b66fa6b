"""AffineLayer: a scale and a shift for every pixel of every channel.

Trained here until its output is standard normal, pixel by pixel: it learns the mean
and the deviation of the pixels. It knows the size of the image, which ActNorm does not.
"""

import numpy as np

from invertiblenetworks import ADAM, AffineLayer

rng = np.random.default_rng(1)
nx, ny, n_channels, n = 12, 8, 2, 64
mean = rng.uniform(-1.0, 1.0, (n_channels, ny, nx))
deviation = rng.uniform(0.5, 2.0, (n_channels, ny, nx))

layer = AffineLayer(nx, ny, n_channels, logdet=True)
optimizer, losses = ADAM(0.02), []
for _ in range(200):
    noise = rng.standard_normal((n, n_channels, ny, nx))
    x = (mean + deviation * noise).astype("float32")
    y, logdet = layer.forward(x)
    losses.append(0.5 / n * (y**2).sum() - logdet)
    layer.clear_grad()
    layer.backward(y / n, y)
    optimizer.step(layer.get_params())

print(f"loss: {losses[0]:.1f} -> {losses[-1]:.1f}")
print(f"scale: shape {layer.s.shape}, log-determinant {logdet:.2f}")
learned_mean = -layer.b.data / layer.s.data
print(f"typical mean of a pixel:      {abs(mean).mean():.2f}")
print(f"typical error of the mean:    {abs(learned_mean - mean).mean():.2f}")
print(f"typical error of the scale:   {abs(layer.s.data * deviation - 1).mean():.2f}")
print(f"round trip: {abs(layer.inverse(layer.forward(x)[0]) - x).max():.0e}")
