"""Conditioners of your own: any net, or any function with its derivative.

An additive coupling, ``y2 = x2 + net(x1)``, asks of its net only that the shapes fit,
an affine one that there are twice as many channels. Here x2 is a function of x1, and
both nets learn to take it away.
"""

import numpy as np

import invertiblenetworks as inn

rng = np.random.default_rng(1)
convolutions = inn.Sequential(
    inn.Conv(2, 16, 3, pad=1, rng=rng),
    inn.Pointwise("tanh"),
    inn.Conv(16, 2, 3, pad=1, zero=True),  # a coupling that does nothing yet
)
# The function, and the adjoint of its derivative: one result for each argument. There
# could be code of an automatic differentiation package behind both.
function = inn.FunctionNet(
    lambda x, w: np.einsum("oi,niyx->noyx", w, np.sin(x)),
    lambda dy, x, w: (
        np.cos(x) * np.einsum("oi,noyx->niyx", w, dy),
        np.einsum("noyx,niyx->oi", dy, np.sin(x)),
    ),
    params=[np.zeros((2, 2), "float32")],
)

n = 16
x1 = rng.standard_normal((n, 2, 8, 8), "float32")
x2 = np.sin(x1) + 0.1 * rng.standard_normal(x1.shape, "float32")
for name, net in (("Sequential", convolutions), ("FunctionNet", function)):
    layer = inn.CouplingLayerBasic(net, coupling="additive")
    optimizer, losses = inn.ADAM(2e-2), []
    for _ in range(100):
        y1, y2 = layer.forward(x1, x2)
        losses.append(0.5 / n * (y2**2).sum())
        layer.clear_grad()
        layer.backward(np.zeros_like(y1), y2 / n, y1, y2)
        optimizer.step(layer.get_params())
    error = abs(layer.inverse(*layer.forward(x1, x2))[1] - x2).max()
    print(f"{name}: loss {losses[0]:.1f} -> {losses[-1]:.1f}, round trip: {error:.0e}")
