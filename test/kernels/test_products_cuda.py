"""Products on CuPy: any strides, parts that do not divide, and what they cost."""

import numpy as np
import pytest

from invertiblenetworks.backend import has_cuda_kernels
from invertiblenetworks.kernels import products_cuda

pytestmark = pytest.mark.kernels

LAYOUTS = {
    "rows": lambda x: x,
    "columns": lambda x: np.ascontiguousarray(x.swapaxes(1, 2)).swapaxes(1, 2),
    "samples last": lambda x: np.ascontiguousarray(x.transpose(1, 2, 0)).transpose(
        2, 0, 1
    ),
    "backwards": lambda x: np.ascontiguousarray(x[:, ::-1])[:, ::-1],
}


@pytest.fixture
def kernels(xp):
    """The module, where there are kernels; else nothing is tested but the count."""
    return products_cuda if has_cuda_kernels(xp) else None


def in_layout(to_xp, array, layout):
    """The array on the device, in memory as the layout says."""
    moved = {
        "rows": lambda x: x,
        "columns": lambda x: x.swapaxes(1, 2),
        "samples last": lambda x: x.transpose(1, 2, 0),
        "backwards": lambda x: x[:, ::-1],
    }[layout]
    back = {
        "rows": lambda x: x,
        "columns": lambda x: x.swapaxes(1, 2),
        "samples last": lambda x: x.transpose(2, 0, 1),
        "backwards": lambda x: x[:, ::-1],
    }[layout]
    return back(to_xp(np.ascontiguousarray(moved(array))))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("right", ["rows", "columns", "samples last", "backwards"])
@pytest.mark.parametrize("left", ["rows", "columns", "samples last", "backwards"])
def test_sum_of_products_of_any_layout(
    left, right, dtype, rng, kernels, to_xp, to_numpy
):
    if kernels is None:
        return
    a = rng.standard_normal((3, 4, 130)).astype(dtype)
    b = rng.standard_normal((3, 5, 130)).astype(dtype)
    found = kernels.correlate(in_layout(to_xp, a, left), in_layout(to_xp, b, right))
    expected = np.einsum("nap,nbp->ab", a, b)
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(to_numpy(found[0]), expected, tolerance, tolerance)
