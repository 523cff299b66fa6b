"""Networks: recipes made of layers. No passes are written in this folder."""

from .glow import NetworkGlow

__all__ = ["NetworkGlow"]
