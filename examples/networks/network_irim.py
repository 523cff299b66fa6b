"""NetworkLoop: reconstruct images from a quarter of their Fourier coefficients.

The operator is a SciPy LinearOperator, known by its products only; its data are
complex. The network unrolls a few gradient steps of the data misfit, with trained
layers between them. Memory in training does not grow with their number.
"""

from __future__ import annotations

import argparse
import os

import numpy as np
from scipy.sparse.linalg import LinearOperator

from invertiblenetworks import ADAM, NetworkLoop

parser = argparse.ArgumentParser(description=__doc__)
in_test = "EXAMPLES_QUICK" in os.environ
parser.add_argument("--quick", action="store_true", default=in_test)
n_steps = 30 if parser.parse_args().quick else 500

rng = np.random.default_rng(1)
n, batch = 16, 16
measured = rng.random((n, n)) < 0.25
measured[0, 0] = True  # the mean


def matvec(x):
    return np.fft.fft2(x.reshape(n, n), norm="ortho")[measured]


def rmatvec(y):
    spectrum = np.zeros((n, n), complex)
    spectrum[measured] = y.ravel()
    return np.fft.ifft2(spectrum, norm="ortho").ravel()


A = LinearOperator((measured.sum(), n * n), matvec, rmatvec, dtype=complex)


def draw_images():
    """Images of two rectangles each, and their measured coefficients."""
    images = np.zeros((batch, 1, n, n), "float32")
    for image in images[:, 0]:
        for _ in range(2):
            y, x = rng.integers(0, n - 6, 2)
            height, width = rng.integers(3, 9, 2)
            image[y : y + height, x : x + width] += rng.uniform(0.5, 1.5)
    return images, (A @ images.reshape(batch, -1).T).T


def error(eta, images):
    return np.linalg.norm(eta - images) / np.linalg.norm(images)


net = NetworkLoop(4, 32, maxiter=6, rng=rng)
eta, s = (np.zeros((batch, c, n, n), "float32") for c in (1, 3))
optimizer = ADAM(2e-3)
for step in range(n_steps):
    images, d = draw_images()
    eta_out, s_out = net.forward(eta, s, d, A)
    net.clear_grad()
    net.backward((eta_out - images) / batch, 0 * s_out, eta_out, s_out, d, A)
    optimizer.step(net.get_params())
    if step % (n_steps // 5) == 0:
        print(f"step {step:4d}: relative error {error(eta_out, images):.2f}")

images, d = draw_images()
eta_out, s_out = net.forward(eta, s, d, A)
adjoint = (A.H @ d.T).T.real.reshape(images.shape)
eta_back, s_back = net.inverse(eta_out, s_out, d, A)
print(f"new images: relative error {error(eta_out, images):.2f}")
print(f"adjoint of the data alone: {error(adjoint, images):.2f}")
print(f"round trip: {max(abs(eta_back).max(), abs(s_back).max()):.0e}")
