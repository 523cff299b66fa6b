"""normflows, put together as in its own example of Glow.

Stimper et al. (2023), normflows, JOSS 8(86), 5361.
"""

from __future__ import annotations

import normflows as nf
import torch

from ..subject import Subject, data, squeezed_data
from ..task import Configuration
from .torch_subject import as_tensor, flow_subject, trained_precision


def multiscale(c: Configuration) -> Subject:
    """``MultiscaleFlow`` of ``GlowBlock``, with the options of the example."""
    model, x = _multiscale_flow(c), as_tensor(data(c))
    return flow_subject(model, lambda: model.forward_kld(x))


def precision(c: Configuration) -> Subject:
    """Gradients in float32 of the same, trained, beside those in float64."""
    torch.manual_seed(0)
    model = _multiscale_flow(c)
    return trained_precision(c, model, lambda model, x: model.forward_kld(x))


def _multiscale_flow(c: Configuration) -> nf.MultiscaleFlow:
    """Its levels start with the coarsest, and its flows map from latents to data."""
    bases, flows, merges = [], [], []
    for scale in range(c.scales):
        channels, size = c.channels * 2 ** (scale + 2), c.size // 2 ** (scale + 1)
        blocks = [_block(channels, c.hidden) for _ in range(c.steps)]
        last = scale == c.scales - 1
        shape = (channels if last else channels // 2, size, size)
        bases.insert(0, nf.distributions.DiagGaussian(shape, trainable=False))
        flows.insert(0, [*blocks, nf.flows.Squeeze()])
        if not last:
            merges.insert(0, nf.flows.Merge())
    return nf.MultiscaleFlow(bases, flows, merges, class_cond=False)


def single_scale(c: Configuration) -> Subject:
    """``NormalizingFlow`` of ``GlowBlock`` on squeezed images."""
    x = as_tensor(squeezed_data(c))
    base = nf.distributions.DiagGaussian(tuple(x.shape[1:]), trainable=False)
    blocks = [_block(x.shape[1], c.hidden) for _ in range(c.steps)]
    model = nf.NormalizingFlow(base, blocks)
    return flow_subject(model, lambda: model.forward_kld(x))


def dense(c: Configuration) -> Subject:
    """The parts of ``GlowBlock`` on vectors: coupling, linear map and ActNorm."""
    x = as_tensor(data(c))
    base = nf.distributions.DiagGaussian(c.channels, trainable=False)
    flows = []
    for _ in range(c.steps):
        half = c.channels // 2
        layers = [c.channels - half, c.hidden, c.hidden, 2 * half]
        conditioner = nf.nets.MLP(layers, init_zeros=True)
        flows.append(nf.flows.AffineCouplingBlock(conditioner, scale_map="sigmoid"))
        flows.append(nf.flows.InvertibleAffine(c.channels))
        flows.append(nf.flows.ActNorm((c.channels,)))
    model = nf.NormalizingFlow(base, flows)
    return flow_subject(model, lambda: model.forward_kld(x))


def _block(channels: int, hidden: int) -> nf.flows.GlowBlock:
    return nf.flows.GlowBlock(channels, hidden, split_mode="channel", scale=True)
