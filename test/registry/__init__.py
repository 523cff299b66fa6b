"""One case for every public layer, composition, network and net, and option of them.

Shapes are tiny: what a check costs grows with the numbers of inputs and parameters.
Activations are smooth, for the Taylor tests, except where ReLU is the point.
"""

from .compositions import COMPOSITIONS
from .conditional_networks import CONDITIONAL_NETWORKS
from .layers import LAYERS
from .loops import DATA_GRADIENTS, LOOPS
from .nets import NETS
from .networks import NETWORKS
from .options import NET_OPTIONS, OPTIONS
from .recursive import LEAPFROG_NETS, RECURSIVE

BIJECTIONS = [
    *LAYERS,
    *RECURSIVE,
    *COMPOSITIONS,
    *NETWORKS,
    *CONDITIONAL_NETWORKS,
    *LOOPS,
    *OPTIONS,
]
CASES = [*BIJECTIONS, *NETS, *NET_OPTIONS, *LEAPFROG_NETS, *DATA_GRADIENTS]

__all__ = ["BIJECTIONS", "CASES", "COMPOSITIONS", "LAYERS", "NETS", "NETWORKS"]
