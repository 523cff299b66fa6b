"""NetworkMultiScaleHINT: HINT couplings between wavelet transforms.

Each scale starts with a wavelet transform, whose bands become channels; HINT couples
the bands with each other. Shown with all channels going on to the next scale, and with
half of them (fewer channels to couple, so fewer parameters).
"""

import numpy as np

from invertiblenetworks import ADAM, NetworkMultiScaleHINT, WaveletLayer

n, size = 8, 16
for split_scales in (False, True):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((n, 1, size, size), "float32")
    x = np.cumsum(np.cumsum(x, axis=2), axis=3) / size  # rough landscapes
    net = NetworkMultiScaleHINT(
        1,
        16,
        L=2,
        K=2,
        split_scales=split_scales,
        squeezer=WaveletLayer("db2"),
        rng=rng,
    )
    optimizer, losses = ADAM(2e-3), []
    for _ in range(30):
        z, logdet = net.forward(x)
        losses.append(0.5 / n * (z**2).sum() - logdet)
        net.clear_grad()
        net.backward(z / n, z)
        optimizer.step(net.get_params())
    z, logdet = net.forward(x)
    print(f"split_scales={split_scales}: {net}")
    print(f"    {x.shape} -> {z.shape}")
    print(f"    loss: {losses[0]:.0f} -> {losses[-1]:.0f}")
    print(f"    log-determinant: {logdet:.0f}")
    print(f"    round trip: {abs(net.inverse(z) - x).max():.0e}")
