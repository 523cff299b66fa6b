"""ActNorm: scale and shift each channel; the first batch sets both.

The batch comes out with mean 0 and variance 1 in each channel, which is where the
negative log-likelihood is smallest: its gradient is next to zero. A second batch does
not change the parameters, but has a gradient that would.
"""

import numpy as np

from invertiblenetworks import ActNorm

rng = np.random.default_rng(1)
n = 4
x = rng.normal(5.0, 3.0, (n, 10, 64, 64)).astype("float32")  # batch, channels, ny, nx

layer = ActNorm(10, logdet=True)
y, logdet = layer.forward(x)
print(f"mean and deviation before: {x.mean():.2f}, {x.std():.2f}")
print(f"mean and deviation after:  {abs(y.mean()):.2f}, {y.std():.2f}")
print(f"log-determinant: {logdet:.1f}")
print(f"round trip: {abs(layer.inverse(y) - x).max():.0e}")

other = rng.normal(6.0, 2.0, x.shape).astype("float32")
for name, batch in (("first", x), ("second", other)):
    y, logdet = layer.forward(batch)
    loss = 0.5 / n * (y**2).sum() - logdet  # its gradient at y is y / n
    layer.clear_grad()
    dx, x_again = layer.backward(y / n, y)  # from the output: x is recomputed
    print(f"\n{name} batch: loss {loss:.0f}, dx of shape {dx.shape}")
    for parameter, gradient in zip("sb", layer.get_grads(), strict=True):
        largest = abs(gradient).max()
        print(f"gradient of {parameter}: shape {gradient.shape}, up to {largest:.1g}")
