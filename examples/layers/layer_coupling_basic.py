"""CouplingLayerBasic: of two arrays, transform the second given the first.

``y1 = x1, y2 = s(x1) * x2 + t(x1)``. In the example x2 is a function of x1 and a
little noise; trained, the layer takes most of the function away and scales the rest up.
"""

import numpy as np

from invertiblenetworks import ADAM, CouplingLayerBasic

rng = np.random.default_rng(1)
n = 16
x1 = rng.standard_normal((n, 2, 16, 16), "float32")
x2 = x1**2 - 1 + 0.3 * rng.standard_normal(x1.shape, "float32")

layer = CouplingLayerBasic(2, 16, logdet=True, rng=rng)
optimizer, losses = ADAM(1e-2), []
for _ in range(200):
    y1, y2, logdet = layer.forward(x1, x2)
    losses.append(0.5 / n * ((y1**2).sum() + (y2**2).sum()) - logdet)
    layer.clear_grad()
    dx1, dx2, x1_again, x2_again = layer.backward(y1 / n, y2 / n, y1, y2)
    optimizer.step(layer.get_params())

print(f"loss: {losses[0]:.0f} -> {losses[-1]:.0f}")
print(f"log-determinant: {logdet:.0f}")
for name, y in (("x2", x2), ("y2", y2)):
    correlation = np.corrcoef((x1**2).ravel(), y.ravel())[0, 1]
    print(f"{name}: deviation {y.std():.2f}, correlation with x1^2 {correlation:.2f}")
x1_again, x2_again = layer.inverse(*layer.forward(x1, x2)[:2])
print(f"round trip: {abs(x1_again - x1).max():.0e}, {abs(x2_again - x2).max():.0e}")
