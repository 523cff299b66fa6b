"""The libraries that are measured. Each module has one function per model it can do.

Such a function takes a `Configuration` and returns a `Subject`. Modules are imported
by the process that measures them, and by no other.
"""

from __future__ import annotations

from ..task import OURS

KEEPING = f"{OURS}, keeping"
SMOOTH = f"{OURS}, tanh"
NUMPY = "NumPy"
PYTORCH = "PyTorch"
CHANNELS_LAST = "PyTorch, channels last"
REALNVP = "PyTorch RealNVP"
NORMFLOWS = "normflows"
FREIA = "FrEIA"
NFLOWS = "nflows"
MEMCNN = "MemCNN"
CHECKPOINT = "torch.utils.checkpoint"

MODULES = {
    OURS: "ours",
    KEEPING: "ours_keeping",
    SMOOTH: "ours_smooth",
    NUMPY: "numpy_only",
    PYTORCH: "plain_torch",
    CHANNELS_LAST: "torch_channels_last",
    REALNVP: "torch_realnvp",
    NORMFLOWS: "with_normflows",
    FREIA: "with_freia",
    NFLOWS: "with_nflows",
    MEMCNN: "with_memcnn",
    CHECKPOINT: "with_checkpoint",
}

WITHOUT_PEERS = (OURS, KEEPING, SMOOTH, NUMPY)
"""Those that run in the environment of this package; all others need that of peers."""
