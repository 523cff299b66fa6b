"""CouplingLayerHINT: a coupling within each half of the channels, and so on.

Every channel comes to depend on all those before it. A 1x1 convolution can mix the
channels first: not at all, all of them (undone afterwards or not), or the lower half.
"""

import numpy as np

from invertiblenetworks import ADAM, CouplingLayerHINT

rng = np.random.default_rng(1)
n, n_channels, n_hidden = 4, 32, 16
x = rng.standard_normal((n, n_channels, 8, 8), "float32")
x = (x + np.roll(x, 1, axis=1) + np.roll(x, 2, axis=1)).astype("float32")

for permute in ("none", "lower", "full", "both"):
    layer = CouplingLayerHINT(
        n_channels, n_hidden, permute=permute, logdet=True, rng=rng
    )
    optimizer, losses = ADAM(5e-3), []
    for _ in range(20):
        y, logdet = layer.forward(x)
        losses.append(0.5 / n * (y**2).sum() - logdet)
        layer.clear_grad()
        dx, x_again = layer.backward(y / n, y)
        optimizer.step(layer.get_params())
    y, logdet = layer.forward(x)
    print(f"permute={permute!r}: {len(layer.get_params())} parameters")
    print(f"    loss: {losses[0]:.0f} -> {losses[-1]:.0f}")
    print(f"    log-determinant: {logdet:.0f}")
    print(f"    round trip: {abs(layer.inverse(y) - x).max():.0e}")
