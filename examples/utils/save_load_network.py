"""Save a training and take it up again, as if it had never stopped.

The file holds the parameters and, as metadata, all else that makes up a training: the
state of the optimiser, that of the random numbers, and the losses so far.
"""

import tempfile
from pathlib import Path

import numpy as np

from invertiblenetworks import ADAM, NetworkGlow, load, sample_banana, save


def train(net, optimizer, rng, n_steps, n=64):
    losses = []
    for _ in range(n_steps):
        z, logdet = net.forward(sample_banana(n, rng=rng))
        losses.append(0.5 / n * (z**2).sum() - logdet)
        net.clear_grad()
        net.backward(z / n, z)
        optimizer.step(net.get_params())
    return losses


options = dict(n_in=2, n_hidden=16, L=1, K=4, k1=1, p1=0)
rng, optimizer = np.random.default_rng(1), ADAM(2e-3)
net = NetworkGlow(**options, rng=rng)
losses = train(net, optimizer, rng, 50)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "checkpoint.npz"
    adam, random = optimizer.state_dict(net.get_params()), rng.bit_generator.state
    save(path, net, losses=losses, adam=adam, random=random)
    print(f"saved after {len(losses)} steps: {path.stat().st_size / 1024:.0f} KiB")
    new_net, new_optimizer = NetworkGlow(**options), ADAM()
    checkpoint = load(path, new_net)
new_optimizer.load_state_dict(new_net.get_params(), checkpoint["adam"])
new_rng = np.random.default_rng()
new_rng.bit_generator.state = checkpoint["random"]

on = train(net, optimizer, rng, 50)
again = train(new_net, new_optimizer, new_rng, 50)
print(f"loss: {losses[0]:.3f} -> {losses[-1]:.3f} -> {on[-1]:.3f}")
print(f"difference after loading: {abs(np.subtract(on, again)).max():.0e}")
