"""CouplingLayerIRIM on volumes: an additive coupling in mixed channels.

A 1x1 convolution mixes the channels, half of them is shifted by a network of the other
half, and the mixing is undone. The log-determinant is zero. Trained here to map one
array to another.
"""

import numpy as np

from invertiblenetworks import ADAM, CouplingLayerIRIM, mse, mse_grad

rng = np.random.default_rng(1)
n_channels, n_hidden = 20, 32
x = rng.standard_normal((2, n_channels, 8, 8, 8), "float32")  # nz, ny, nx at the end
target = np.tanh(x)

# The network works at a quarter of the resolution, see k1 and s1.
layer = CouplingLayerIRIM(n_channels, n_hidden, ndims=3, logdet=True, rng=rng)
optimizer, losses = ADAM(3e-3), []
for _ in range(30):
    y, logdet = layer.forward(x)
    losses.append(mse(y, target))
    layer.clear_grad()
    dx, x_again = layer.backward(mse_grad(y, target), y)
    optimizer.step(layer.get_params())

y, logdet = layer.forward(x)
print(f"{layer}")
print(f"misfit: {losses[0]:.0f} -> {losses[-1]:.0f}")
print(f"log-determinant: {logdet:.0f}")
print(f"round trip: {abs(layer.inverse(y) - x).max():.0e}")
print(f"dx: shape {dx.shape}")
for name, parameter in layer.named_params().items():
    print(f"gradient of {name}: shape {parameter.grad.shape}")
