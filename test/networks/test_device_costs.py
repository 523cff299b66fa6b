"""How many kernels a step of a network launches on a device."""

import pytest
from doubles.backends import Backend

from invertiblenetworks import NetworkGlow

pytestmark = pytest.mark.kernels

OTHERS = 6
"""Launches once in a step, not for each coupling."""


def n_launches(backend: Backend, compute) -> int:
    """Kernels beside the products of cuBLAS; none where there is no device."""
    compute()
    if backend.name != "emulated":
        return 0
    from doubles import cupy_on_cpu

    compute()  # compiled once
    with cupy_on_cpu.launch_names() as names:
        compute()
    return len(names)


@pytest.mark.parametrize(("ndims", "most"), [(0, 70), (2, 70)])
def test_launches_of_a_step_of_glow(ndims, most, rng, backend, to_xp, layer_to_xp):
    """Of each coupling with the mixing before it, and of its gradient."""
    x = to_xp(rng.standard_normal((2, 12, *(8,) * ndims), "float32"))
    counts = []
    for steps in (1, 3):
        net = layer_to_xp(NetworkGlow(12, 16, L=1, K=steps, ndims=ndims, rng=0))

        def step(net=net):
            net.clear_grad()
            z, _ = net.forward(x)
            net.backward(z, z)

        counts.append(n_launches(backend, step))
    per_coupling = (counts[1] - counts[0]) / 2
    assert per_coupling <= most
    assert counts[0] <= per_coupling + OTHERS
