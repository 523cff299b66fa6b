"""The names of the original for layers and networks on volumes (N, C, nz, ny, nx)."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from .layers import (
    ConditionalLayerGlow,
    ConditionalLayerHINT,
    CouplingLayerBasic,
    CouplingLayerGlow,
    CouplingLayerHINT,
    CouplingLayerIRIM,
    HyperbolicLayer,
)
from .nets import ResidualBlock
from .networks import (
    NetworkConditionalGlow,
    NetworkConditionalHINT,
    NetworkGlow,
    NetworkHyperbolic,
    NetworkLoop,
    NetworkMultiScaleConditionalHINT,
    NetworkMultiScaleHINT,
)


def _on_volumes(layer_class: type) -> Callable:
    """Return a function that builds ``layer_class`` with ``ndims=3``."""

    def build(*args, **options):
        return layer_class(*args, ndims=3, **options)

    name, signature = layer_class.__name__, inspect.signature(layer_class)
    parameters = [p for p in signature.parameters.values() if p.name != "ndims"]
    build.__signature__ = signature.replace(parameters=parameters)
    build.__name__ = build.__qualname__ = f"{name}3D"
    build.__doc__ = f"Build ``{name}`` with ``ndims=3``; all else as there."
    return build


ResidualBlock3D = _on_volumes(ResidualBlock)
CouplingLayerBasic3D = _on_volumes(CouplingLayerBasic)
CouplingLayerGlow3D = _on_volumes(CouplingLayerGlow)
CouplingLayerHINT3D = _on_volumes(CouplingLayerHINT)
CouplingLayerIRIM3D = _on_volumes(CouplingLayerIRIM)
HyperbolicLayer3D = _on_volumes(HyperbolicLayer)
ConditionalLayerGlow3D = _on_volumes(ConditionalLayerGlow)
ConditionalLayerHINT3D = _on_volumes(ConditionalLayerHINT)
NetworkGlow3D = _on_volumes(NetworkGlow)
NetworkConditionalGlow3D = _on_volumes(NetworkConditionalGlow)
NetworkConditionalHINT3D = _on_volumes(NetworkConditionalHINT)
NetworkMultiScaleHINT3D = _on_volumes(NetworkMultiScaleHINT)
NetworkMultiScaleConditionalHINT3D = _on_volumes(NetworkMultiScaleConditionalHINT)
NetworkHyperbolic3D = _on_volumes(NetworkHyperbolic)
NetworkLoop3D = _on_volumes(NetworkLoop)

__all__ = [
    "ConditionalLayerGlow3D",
    "ConditionalLayerHINT3D",
    "CouplingLayerBasic3D",
    "CouplingLayerGlow3D",
    "CouplingLayerHINT3D",
    "CouplingLayerIRIM3D",
    "HyperbolicLayer3D",
    "NetworkConditionalGlow3D",
    "NetworkConditionalHINT3D",
    "NetworkGlow3D",
    "NetworkHyperbolic3D",
    "NetworkLoop3D",
    "NetworkMultiScaleConditionalHINT3D",
    "NetworkMultiScaleHINT3D",
    "ResidualBlock3D",
]
