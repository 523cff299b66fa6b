"""How much memory a network takes, before it takes any."""

from .plan import MemoryPlan, plan_memory

__all__ = ["MemoryPlan", "plan_memory"]
