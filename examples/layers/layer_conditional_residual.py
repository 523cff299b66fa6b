"""ConditionalResidualBlock: a residual block that also sees data of another shape.

A full matrix brings the data to the shape of the image; both then pass through three
convolutions. Gradients go to the image, to the data and to the parameters.
"""

import numpy as np

from invertiblenetworks import ADAM, ConditionalResidualBlock

rng = np.random.default_rng(1)
n = 2
image = rng.standard_normal((n, 4, 16, 16), "float32")
data = rng.standard_normal((n, 2, 20, 11), "float32")

block = ConditionalResidualBlock(image.shape[1:], data.shape[1:], 16, rng=rng)
target = rng.random(image.shape, "float32")
optimizer, losses = ADAM(3e-3), []
for _ in range(20):
    residual = block.forward(image, data) - target
    losses.append(0.5 / n * (residual**2).sum())
    block.clear_grad()
    d_image, d_data = block.backward(residual / n, image, data)
    optimizer.step(block.get_params())

print(f"image {image.shape}, data {data.shape} -> {residual.shape}")
print(f"loss: {losses[0]:.0f} -> {losses[-1]:.0f}")
print(f"gradients: image {d_image.shape}, data {d_data.shape}")
for name, parameter in block.named_params().items():
    print(f"    {name}: {parameter.grad.shape}")
