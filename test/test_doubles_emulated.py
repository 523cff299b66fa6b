"""CuPy run on the CPU computes what NumPy computes."""

from __future__ import annotations

import json

import cupy as cp
import numpy as np
import pytest
from cupy.cuda import cublas, device
from doubles import strict_cupy
from doubles.strict_cupy import api_table, make_api_table
from numpy.testing import assert_allclose


@pytest.fixture
def x(rng):
    """A host array of positive numbers."""
    return rng.uniform(0.5, 2.0, size=(4, 3, 5))


OPERATIONS = {
    "arithmetic": lambda xp, x: 2.0 * x - x**2 / 3.0 + x // 0.3,
    "functions": lambda xp, x: xp.exp(-x) + xp.log1p(x) + xp.tanh(x),
    "where": lambda xp, x: xp.where(x > 1.0, x, -x),
    "clip": lambda xp, x: xp.clip(x, 0.7, 1.1),
    "casting": lambda xp, x: x.astype(xp.float32) * 2.5,
    "sum": lambda xp, x: x.sum(),
    "sum over two axes": lambda xp, x: x.sum(axis=(0, 2)),
    "sum over a long axis": lambda xp, x: xp.tile(x.ravel(), 50).sum(),
    "mean and variance": lambda xp, x: x.mean(axis=1) + x.var(axis=1),
    "maximum": lambda xp, x: x.max(axis=2, keepdims=True),
    "argmax": lambda xp, x: x.argmax(axis=0),
    "cumsum": lambda xp, x: xp.cumsum(x, axis=1),
    "views": lambda xp, x: xp.moveaxis(x[::-1, :, ::2], 0, -1).copy(),
    "negative strides": lambda xp, x: x[..., ::-1] * x,
    "concatenate": lambda xp, x: xp.concatenate([x, x[:, :1]], axis=1),
    "pad": lambda xp, x: xp.pad(x, ((0, 0), (1, 2), (0, 1))),
    "roll": lambda xp, x: xp.roll(x, 2, axis=2),
    "as_strided": lambda xp, x: (
        xp.lib.stride_tricks.as_strided(x, (4, 3, 3, 3), (*x.strides, 8)) * 1.0
    ),
    "matmul": lambda xp, x: x[0] @ x[1].T,
    "batched matmul": lambda xp, x: x @ x.transpose(0, 2, 1),
    "broadcast matmul": lambda xp, x: x[0] @ x.transpose(0, 2, 1),
    "einsum": lambda xp, x: xp.einsum("bij,bkj->ik", x, x),
    "tensordot": lambda xp, x: xp.tensordot(x, x, axes=([0, 2], [0, 2])),
    "float32 matmul": lambda xp, x: x.astype("f4") @ x.astype("f4").transpose(0, 2, 1),
    "solve": lambda xp, x: xp.linalg.solve(x[0, :, :3] + 3.0 * xp.eye(3), x[1]),
    "inverse": lambda xp, x: xp.linalg.inv(x[:3, :, 0] + 3.0 * xp.eye(3)),
    "slogdet": lambda xp, x: xp.linalg.slogdet(x[:, :, :3] + 3.0 * xp.eye(3))[1],
    "qr": lambda xp, x: xp.abs(xp.linalg.qr(x[0].T)[1]),
    "cholesky": lambda xp, x: xp.linalg.cholesky(x[0] @ x[0].T + xp.eye(3)),
    "norm": lambda xp, x: xp.linalg.norm(x[0]),
    "sort": lambda xp, x: xp.sort(x, axis=1),
    "argsort": lambda xp, x: xp.argsort(x, axis=2),
    "integer index": lambda xp, x: x[:, xp.asarray([2, 0])],
    "boolean index": lambda xp, x: x[x > 1.0],
    "add.at": lambda xp, x: _added_at(xp, x),
}


def _added_at(xp, x):
    total = xp.zeros(3)
    xp.add.at(total, xp.asarray([0, 2, 0, 1, 0]), x[0, 0])
    return total


@pytest.mark.parametrize("name", OPERATIONS)
def test_parity_with_numpy(x, name):
    operation = OPERATIONS[name]
    expected, result = operation(np, x), operation(cp, cp.asarray(x))
    assert isinstance(result, cp.ndarray)
    assert result.shape == expected.shape
    assert result.dtype == expected.dtype
    tolerance = 1e-12 if expected.dtype != np.float32 else 1e-5
    assert_allclose(result.get(), expected, rtol=tolerance, atol=tolerance)


def test_writing_in_place(x):
    result, expected = cp.asarray(x), x.copy()
    for array in (result, expected):
        array += 1.0
        array[:, 1] *= array[:, 0]
        array[0] = 7.0
    out = cp.empty((4, 3, 3))
    assert cp.matmul(result, result.transpose(0, 2, 1), out=out) is out
    assert_allclose(result.get(), expected)
    assert_allclose(out.get(), expected @ expected.transpose(0, 2, 1))


@pytest.mark.parametrize(
    ("dtype", "gemm"),
    [
        ("float32", cublas.sgemmStridedBatched),
        ("float64", cublas.dgemmStridedBatched),
    ],
)
def test_cublas_strided_batched_product(x, dtype, gemm):
    # Row-major C = A B^T for each sample is column-major C^T = B A^T.
    batch, rows, inner = x.shape
    left = cp.asarray(x, dtype=dtype)
    right = left[:, ::-1].copy()
    product = cp.ones((batch, rows, rows), dtype=dtype)
    alpha, beta = np.array(2.0, dtype), np.array(1.0, dtype)
    gemm(
        device.get_cublas_handle(),
        cublas.CUBLAS_OP_T,
        cublas.CUBLAS_OP_N,
        rows,
        rows,
        inner,
        alpha.ctypes.data,
        right.data.ptr,
        inner,
        rows * inner,
        left.data.ptr,
        inner,
        rows * inner,
        beta.ctypes.data,
        product.data.ptr,
        rows,
        rows * rows,
        batch,
    )
    expected = 1.0 + 2.0 * x @ x[:, ::-1].transpose(0, 2, 1)
    assert_allclose(product.get(), expected, rtol=1e-5)


# --- the strict double describes this CuPy -------------------------------------------


def test_the_table_of_the_strict_double_is_current():
    current = json.loads(json.dumps(make_api_table.api_table(cp)))
    assert current == api_table.API


def test_the_strict_double_refuses_to_replace_cupy():
    with pytest.raises(ImportError, match="before cupy is imported"):
        strict_cupy.install()
