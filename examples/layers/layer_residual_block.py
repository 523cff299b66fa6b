"""ResidualBlock: the conditioner of the couplings, with the presets of the papers.

A block is not invertible, so ``backward`` needs its input. Each preset is shown on
images and on volumes: only ``ndims`` changes.
"""

import numpy as np

from invertiblenetworks import ADAM, ResidualBlock

PRESETS = {
    "Glow": dict(k1=3, k2=1, p1=1, p2=0, fan=True, zero=False),
    "HINT": dict(k1=3, k2=3, p1=1, p2=1, fan=True, zero=False),
    "iRIM": dict(k1=4, k2=3, p1=0, p2=1, s1=4, s2=1),  # ends in a gate: half of n_out
}

rng = np.random.default_rng(1)
n, n_in, n_hidden, n_out = 2, 4, 16, 8
for ndims, size in ((2, 32), (3, 8)):
    x = rng.standard_normal((n, n_in) + (size,) * ndims, "float32")
    for name, options in PRESETS.items():
        block = ResidualBlock(
            n_in, n_hidden, n_out=n_out, ndims=ndims, rng=rng, **options
        )
        target = 0.1 * rng.standard_normal(block.forward(x).shape, "float32")
        optimizer, losses = ADAM(1e-2), []
        for _ in range(20):
            residual = block.forward(x) - target
            losses.append(0.5 / n * (residual**2).sum())
            block.clear_grad()
            dx = block.backward(residual / n, x)
            optimizer.step(block.get_params())
        print(f"{name} in {ndims}-D: {x.shape} -> {residual.shape}")
        print(f"    weights {block.W1.shape}, {block.W2.shape}, {block.W3.shape}")
        print(f"    loss: {losses[0]:.1f} -> {losses[-1]:.1f}, dx: {dx.shape}")
