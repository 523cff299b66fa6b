"""Train with a step length from the Jacobian: no learning rate has to be chosen.

Three HINT layers learn to map fixed noise to a photograph. With the residual r, a step
along g = J^T r changes the output by about J g, so the best step length is
<J g, r> / <J g, J g>; half of it is taken. Steps, misfits and a picture come out.
"""

import argparse
import os

import numpy as np
import pywt
from matplotlib.figure import Figure

import invertiblenetworks as inn

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true")
parser.add_argument("--out", default="training_with_jacobian.png")
args = parser.parse_args()
quick = args.quick or "EXAMPLES_QUICK" in os.environ
n_steps, factor = (20, 16) if quick else (400, 8)

rng = np.random.default_rng(1)
photograph = pywt.data.aero().astype("float32")  # 512 x 512
image = inn.AveragePool(factor).forward(photograph[None, None])
image = (image - image.mean()) / image.std()
target = inn.wavelet_squeeze(inn.wavelet_squeeze(image))  # 16 channels
noise = rng.standard_normal(target.shape, "float32")

layers = [inn.CouplingLayerHINT(16, 64, permute="full", rng=rng) for _ in range(3)]
net, misfits = inn.Composition(*layers), []
for step in range(n_steps):
    J = inn.Jacobian(net, noise)
    r = (target - J.y).ravel()
    g = J.H @ r
    Jg = J @ g
    alpha = 0.5 * (Jg @ r) / (Jg @ Jg)
    net.set_params(inn.axpy(alpha, J.split_domain(g)[1], net.get_params()))
    misfits.append(np.linalg.norm(r) / np.linalg.norm(target))
    if step % (n_steps // 10) == 0 or step == n_steps - 1:
        print(f"step {step}: relative misfit {misfits[-1]:.3f}, length {alpha:.1e}")

output = inn.wavelet_unsqueeze(inn.wavelet_unsqueeze(net.forward(noise)))
figure = Figure(figsize=(10.0, 3.4), layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=(2, 1))
gap = np.full((image.shape[2], 2), image.max())
left.imshow(np.hstack((image[0, 0], gap, output[0, 0])), cmap="gray")
left.set(title="photograph, and output of the network", xticks=[], yticks=[])
right.plot(misfits)
right.set(title="relative misfit", xlabel="step", ylim=(0.0, None))
figure.savefig(args.out)
print(f"picture: {args.out}")
