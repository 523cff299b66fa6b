"""A step of training as a CUDA graph, as ``docs/gpu.rst`` has it.

Collected with ``--backend cupy`` only, where it fails if there is no GPU.
"""

from __future__ import annotations

import cupy as cp
import numpy as np
import pytest

from invertiblenetworks import ADAM, NetworkGlow

pytestmark = pytest.mark.gpu

OPTIONS = {
    "images": (dict(L=2, K=2, split_scales=True), (4, 3, 16, 16)),
    "vectors": (dict(L=1, K=2, ndims=0), (16, 6)),
    "volumes": (dict(L=1, K=1, ndims=3), (2, 3, 8, 8, 8)),
}


def step(net, x):
    """Gradients of the negative log-likelihood, and its value."""
    net.clear_grad()
    z, logdet = net.forward(x)
    net.backward(z / len(x), z)
    return 0.5 / len(x) * (z * z).sum() - logdet


def capture(net, x):
    """Return a graph of a step, its value, and the memory in which all of it is."""
    pool, stream = cp.cuda.MemoryPool(), cp.cuda.Stream(non_blocking=True)
    with stream, cp.cuda.using_allocator(pool.malloc):
        step(net, x)
        stream.synchronize()
        stream.begin_capture()
        value = step(net, x)
        graph = stream.end_capture()
    return graph, stream, value, pool


@pytest.mark.parametrize("kind", OPTIONS)
def test_training_by_a_graph_is_training(kind):
    options, shape = OPTIONS[kind]
    rng = np.random.default_rng(0)
    batches = [cp.asarray(rng.standard_normal(shape, "float32")) for _ in range(4)]
    nets = [NetworkGlow(shape[1], 8, rng=0, **options).to_gpu() for _ in range(2)]
    for net in nets:
        net.forward(batches[0])  # ActNorm
    plain, captured = nets
    x = batches[0].copy()
    cp.cuda.Device().synchronize()
    graph, stream, value, _pool = capture(captured, x)
    optimizers = [ADAM(1e-2), ADAM(1e-2)]
    for batch in batches:
        expected = step(plain, batch)
        optimizers[0].step(plain.get_params())
        with stream:
            x[...] = batch
            graph.launch(stream)
            optimizers[1].step(captured.get_params())
        stream.synchronize()
        assert float(value) == float(expected)
    for p, q in zip(plain.get_params(), captured.get_params(), strict=True):
        np.testing.assert_array_equal(p.data.get(), q.data.get())
