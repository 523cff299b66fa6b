"""Which layers a CUDA graph can hold: CuPy's own products refuse while one is captured.

A real graph is captured by ``test_gpu_graph.py``, with ``--backend cupy``.
"""

from __future__ import annotations

import cupy as cp
import pytest
from doubles import cupy_on_cpu
from registry import CASES

from invertiblenetworks.testing import prepare
from invertiblenetworks.testing.modes import Arguments, modes_of


@pytest.fixture
def capturing():
    """Tell CuPy inside of the test that a graph is being captured."""

    def tell(value):
        cupy_on_cpu.capturing.value = value

    yield tell
    tell(0)


def test_the_double_refuses_as_cupy_does(capturing):
    x = cp.ones((3, 3))
    capturing(1)
    with pytest.raises(NotImplementedError, match="cuBLAS"):
        x @ x


WITH_OPERATORS = ("NetworkLoop", "OperatorNet", "DataGradient")
"""Cases that multiply by matrices of the user, which are CuPy's products."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_mode_can_be_captured(case, capturing):
    subject = prepare(case, gpu=True)
    arguments, modes = Arguments.draw(subject), modes_of(subject)
    capturing(1)
    if case.name.startswith(WITH_OPERATORS):
        with pytest.raises(NotImplementedError, match="cuBLAS"):
            modes["backward"](arguments)
        return
    for mode in modes.values():
        mode(arguments)
