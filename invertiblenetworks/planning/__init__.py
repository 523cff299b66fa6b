"""How much memory a network takes, before it takes any."""

# To be imported in any case: with it the methods of `base` know how to keep a limit.
from . import limits as limits
from .plan import MemoryPlan, plan_memory

__all__ = ["MemoryPlan", "plan_memory"]
