"""Checks that any layer or net must pass, for the layers here and for your own.

Call ``check_layer`` or ``check_net`` on a layer of yours. For a test-suite, describe
layers as ``Case``, and run every ``Check`` of ``CHECKS`` on what ``prepare`` makes
of them.
"""

from .cases import Case, Factory, Subject, perturb, prepare
from .checks import CHECKS, Check
from .measured import Measured
from .numeric import TaylorFit, central_differences, dense_matrix, taylor_order
from .report import Outcome, Report, check_layer, check_net, run_check

__all__ = [
    "CHECKS",
    "Case",
    "Check",
    "Factory",
    "Measured",
    "Outcome",
    "Report",
    "Subject",
    "TaylorFit",
    "central_differences",
    "check_layer",
    "check_net",
    "dense_matrix",
    "perturb",
    "prepare",
    "run_check",
    "taylor_order",
]
