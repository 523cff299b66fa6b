"""CouplingLayerGlow: 1x1 convolution, then an affine coupling of the channels.

Half of the channels is scaled and shifted by a network of the other half. Shown with
the convolutions of the layer, and with a given 1x1 convolution and conditioner.
"""

import numpy as np

from invertiblenetworks import ADAM, Conv1x1, CouplingLayerGlow, ResidualBlock

rng = np.random.default_rng(1)
n, n_channels, n_hidden = 8, 20, 32
x = rng.standard_normal((n, n_channels, 16, 16), "float32")
x[:, :10] = np.tanh(x[:, 10:]) + 0.5 * x[:, :10]

half = n_channels // 2
block = ResidualBlock(half, n_hidden, n_out=n_channels, fan=True, rng=rng)
layers = {
    "from numbers": CouplingLayerGlow(n_channels, n_hidden, logdet=True, rng=rng),
    "from parts": CouplingLayerGlow(Conv1x1(n_channels, rng=rng), block, logdet=True),
}
for name, layer in layers.items():
    optimizer, losses = ADAM(5e-3), []
    for _ in range(30):
        y, logdet = layer.forward(x)
        losses.append(0.5 / n * (y**2).sum() - logdet)
        layer.clear_grad()
        dx, x_again = layer.backward(y / n, y)
        optimizer.step(layer.get_params())
    y, logdet = layer.forward(x)
    print(f"{name}: {layer}")
    print(f"    loss: {losses[0]:.0f} -> {losses[-1]:.0f}")
    print(f"    log-determinant: {logdet:.0f}")
    print(f"    of two samples: {layer.log_abs_det(x[:2]).round(1)}")
    print(f"    round trip: {abs(layer.inverse(y) - x).max():.0e}")
