"""SummarizedNet: a conditional flow behind a summary network, trained jointly.

The unknowns are the mean and the logarithm of the deviation of a Gaussian, the data a
set of 50 draws from it. The summary does not depend on their order, and takes any
number of them. The right deviations are about sigma / sqrt(50) and 1 / sqrt(100).
"""

import numpy as np

from invertiblenetworks import ADAM, NetworkConditionalGlow, SetSummary, SummarizedNet

rng = np.random.default_rng(1)
n, n_draws = 64, 50


def draw_problems():
    """Unknowns (n, 2), and sets of draws (n, 1, n_draws)."""
    unknowns = rng.standard_normal((n, 2), "float32") * [1.0, 0.5]
    mean, log_deviation = unknowns[:, :1, None], unknowns[:, 1:, None]
    draws = mean + np.exp(log_deviation) * rng.standard_normal((n, 1, n_draws))
    return unknowns.astype("float32"), draws.astype("float32")


summary = SetSummary(1, 32, 8, rng=rng)
flow = NetworkConditionalGlow(2, 8, 32, L=1, K=4, ndims=0, rng=rng)
net = SummarizedNet(flow, summary)
optimizer, losses = ADAM(3e-3), []
for _ in range(300):
    x, draws = draw_problems()
    z, logdet = net.forward(x, draws)
    losses.append(0.5 / n * (z**2).sum() - logdet)
    net.clear_grad()
    dx, x_again, d_draws = net.backward(z / n, z, draws)
    optimizer.step(net.get_params())

x, draws = draw_problems()
print(f"loss: {losses[0]:.2f} -> {np.mean(losses[-20:]):.2f}")
print(f"round trip: {abs(net.inverse(net.forward(x, draws)[0], draws) - x).max():.0e}")
print(f"gradients: x {dx.shape}, draws {d_draws.shape}")
noise = rng.standard_normal((500, 2), "float32")
samples = net.inverse(noise, np.repeat(draws[:1], 500, axis=0))
print(f"truth:     {x[0].round(2)}")
print(f"posterior: mean {samples.mean(axis=0).round(2)}, ", end="")
print(f"deviation {samples.std(axis=0).round(2)}")
