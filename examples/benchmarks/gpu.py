"""Time and memory of a step on a GPU, beside PyTorch on the same one.

Needs a GPU, CuPy and PyTorch: ``python examples/benchmarks/gpu.py``. All of it runs in
one process, the libraries of a row one after the other. ``--quick`` takes small sizes.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import os
import sys
import time

import numpy as np
from suite.task import Configuration

from invertiblenetworks import NetworkGlow, ResidualBlock, gpu_available, to_gpu
from invertiblenetworks.backend import cupy_module

REPEATS = 15
MIB = 2**20
TF32 = 3
"""``CUBLAS_TF32_TENSOR_OP_MATH``, for which CuPy has no name."""

CONFIGURATIONS = [
    Configuration("multiscale", 8, 3, 128, 2, hidden=256, steps=16, scales=3),
    Configuration("multiscale", 16, 3, 64, 2, hidden=512, steps=8, scales=3),
    Configuration("single_scale", 8, 3, 256, 2, hidden=256, steps=8),
    Configuration("single_scale", 8, 3, 256, 2, hidden=64, steps=8),
    Configuration("single_scale", 16, 3, 64, 2, hidden=512, steps=8),
    Configuration("dense", 4096, 64, 1, 0, hidden=512, steps=8),
    Configuration("residual_block", 8, 64, 128, 2),
    Configuration("residual_block", 8, 256, 32, 2),
    Configuration("residual_block", 2, 32, 64, 3),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    options = parser.parse_args()
    if not gpu_available():
        sys.exit("gpu.py: expected a GPU and CuPy (pip install '.[gpu]'), found none.")
    if importlib.util.find_spec("torch") is None:
        sys.exit("gpu.py: expected PyTorch to compare with, found none.")
    import torch

    torch.set_default_device("cuda")
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}")
    print("ms (least of several) / MiB beyond network and data")
    # PyTorch has TF32 on by default, in convolutions.
    columns = ("ours", "graph", "graph, TF32", "PyTorch", "PyTorch, TF32")
    print(f"{'':50s}" + "".join(f"{name:>16s}" for name in columns))
    for c in CONFIGURATIONS:
        c = c.reduced() if options.quick or "EXAMPLES_QUICK" in os.environ else c
        cells = [*time_ours(c), time_torch(c, False), time_torch(c, True)]
        row = "".join(f"{cell:>16s}" for cell in cells)
        print(f"{c.model + ' ' + c.label:50s}" + row, flush=True)


def time_ours(c: Configuration) -> list[str]:
    """Time a step as it is, as a CUDA graph, and as one with products in TF32."""
    cp = cupy_module()
    gc.collect()
    pool = cp.get_default_memory_pool()
    pool.free_all_blocks()
    net, step = our_step(c)
    pool.free_all_blocks()
    before = pool.total_bytes()
    seconds = fastest(step, cp.cuda.get_current_stream().synchronize)
    plain = cell(seconds, pool.total_bytes() - before)
    net.clear_grad()
    pool.free_all_blocks()
    cells = [plain]
    cublas, handle = cp.cuda.cublas, cp.cuda.device.get_cublas_handle()
    for mode in (cublas.CUBLAS_DEFAULT_MATH, TF32):
        cublas.setMathMode(handle, mode)
        cells.append(time_graph(step))
        net.clear_grad()
    cublas.setMathMode(handle, cublas.CUBLAS_DEFAULT_MATH)
    return cells


def time_graph(step) -> str:
    """Time a step as a CUDA graph, which has its own memory."""
    cp = cupy_module()
    own, stream = cp.cuda.MemoryPool(), cp.cuda.Stream(non_blocking=True)
    with stream, cp.cuda.using_allocator(own.malloc):
        step()  # Compiles, and takes the memory that capturing must not ask for.
        stream.synchronize()
        stream.begin_capture()
        step()
        graph = stream.end_capture()
        seconds = fastest(lambda: graph.launch(stream), stream.synchronize)
    return cell(seconds, own.total_bytes())


def our_step(c: Configuration):
    """Return a network on the GPU, and a step of it on the data."""
    from suite.libraries import ours
    from suite.subject import data, squeezed_data

    if c.model == "residual_block":
        n = c.channels
        net = ResidualBlock(n, n, n_out=n, fan=True, ndims=c.ndims, rng=0)
        ours.perturb(net)
        x = to_gpu(data(c))
        net.to_gpu()

        def step_of_block():
            net.clear_grad()
            net.backward(x, x)

        return net, step_of_block
    x = squeezed_data(c) if c.model == "single_scale" else data(c)
    if c.model == "multiscale":
        net = ours.multiscale_glow(c)
    else:
        ndims = 0 if c.model == "dense" else 2
        net = NetworkGlow(x.shape[1], c.hidden, L=1, K=c.steps, ndims=ndims, rng=0)
    ours.prepare(net, x)
    net.to_gpu()
    x = to_gpu(x)

    def step():
        net.clear_grad()
        z, logdet = net.forward(x)
        value = 0.5 / len(x) * (z * z).sum() - logdet
        net.backward(z / len(x), z)
        return value

    return net, step


def time_torch(c: Configuration, default: bool) -> str:
    """Time a step in PyTorch: with TF32 where it is on by default, or in float32.

    Of several scales it is that of normflows, if that is there.
    """
    import torch
    from suite.libraries import plain_torch

    build = getattr(plain_torch, c.model, None)
    if build is None:
        if importlib.util.find_spec("normflows") is None:
            return "-"
        from suite.libraries import with_normflows

        build = getattr(with_normflows, c.model)
    torch.backends.cudnn.allow_tf32 = default
    gc.collect()
    torch.cuda.empty_cache()
    try:
        subject = build(c)
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        seconds = fastest(subject.step, torch.cuda.synchronize)
    except torch.cuda.OutOfMemoryError:
        return "out of memory"
    return cell(seconds, torch.cuda.max_memory_allocated() - before)


def fastest(step, synchronize) -> float:
    """Shortest time of a step, with the wait for the device, in seconds."""
    for _ in range(3):
        step()
    synchronize()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        step()
        synchronize()
        times.append(time.perf_counter() - start)
    return float(np.min(times))


def cell(seconds: float, n_bytes: int) -> str:
    """Text for a time and for memory."""
    return f"{seconds * 1e3:.1f} / {n_bytes / MIB:.0f}"


if __name__ == "__main__":
    main()
