"""Compiled copies in C order: any strides, any number of parts, nothing beside them."""

from __future__ import annotations

import numpy as np
import pytest
from compiled_cases import Guards
from threadpoolctl import threadpool_limits

from invertiblenetworks.kernels import squeeze, workers
from invertiblenetworks.kernels.compiled import copying, layouts, library

compiled = pytest.mark.usefixtures("compiled_library", "n_parts")


def views(rng, dtype):
    """Arrays whose axes are permuted, reversed, cut, repeated or missing."""
    shapes = [(), (1,), (7,), (2, 9), (3, 4, 5), (2, 3, 4, 6), (5, 1, 2, 3, 2, 4, 2)]
    for shape in shapes:
        x = rng.standard_normal(shape).astype(dtype)
        yield x
        for _ in range(6):
            yield x.transpose(rng.permutation(x.ndim))
        if x.ndim:
            yield x[::-1]
            yield x[..., ::2]
            yield x[..., ::-3]
            yield np.broadcast_to(x[:1], x.shape)
            yield x[:0].T
            yield x[..., 1:].T


@compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_copies(dtype, rng):
    for x in views(rng, dtype):
        found = copying.copied_in_order(x)
        assert found.flags.c_contiguous
        assert found.dtype == x.dtype
        assert not np.may_share_memory(found, x)
        np.testing.assert_array_equal(found, x)


@compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("pattern", ["checkerboard", "patch"])
@pytest.mark.parametrize("shape", [(3, 2, 8), (2, 3, 6, 10), (2, 1, 4, 6, 2)])
def test_squeezes_use_them(shape, pattern, dtype, rng, monkeypatch):
    made, x = [], rng.standard_normal(shape).astype(dtype)

    def noted(x, copied_in_order=copying.copied_in_order):
        made.append(copied_in_order(x))
        return made[-1]

    def found():
        y = squeeze.squeeze(x, pattern)
        return y, squeeze.unsqueeze(y, pattern)

    with monkeypatch.context() as patch:
        patch.setattr(library, "compiled_kernels", lambda: None)
        wanted = found()
    monkeypatch.setattr(squeeze, "copied_in_order", noted)
    for ours, theirs in zip(found(), wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(wanted[1], x)
    assert len(made) == 2
    assert all(copy is not None for copy in made)


@compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_beside_them_is_read_or_written(dtype, n_parts, rng):
    guards, own = Guards(), rng.standard_normal((3, 2, 4, 5, 2))
    x = guards.array(own.shape, dtype, own, beside=np.nan)
    for axes in ((0, 1, 2, 4, 3), (4, 2, 0, 1, 3), (0, 2, 4, 1, 3)):
        view = x.transpose(axes)
        y = guards.array(view.shape, dtype)
        layout = layouts.layout_of(view.shape, view.strides, x.itemsize, n_parts)
        library.functions(np.dtype(dtype)).copy(layout, view, y)
        np.testing.assert_array_equal(y, view)
    guards.check()


@pytest.mark.usefixtures("compiled_library")
def test_what_numpy_has_to_copy(rng):
    record = np.zeros(4, [("a", "i1"), ("b", "f8", (3,))])["b"]
    assert not record.flags.aligned
    many_axes = rng.standard_normal((2,) * 18).transpose(range(0, 18)[::-1])
    integers = np.zeros((3, 4), int).T
    for x in (record, many_axes, integers):
        assert copying.copied_in_order(x) is None


def test_layouts_are_short():
    """Axes that follow each other are one; axes of one entry are none."""
    layout = layouts.layout_of((2, 3, 1, 4, 5), (480, 160, 999, 40, 8), 8, 2)
    assert layout.sizes[:] == [1] * 7 + [120]
    assert layout.strides[:] == [0] * 7 + [1]
    layout = layouts.layout_of((2, 3, 4), (8, 80, 16), 8, 2)
    assert layout.sizes[5:] == [2, 3, 4]
    assert layout.strides[5:] == [1, 10, 2]
    assert layout.n_parts == 2


def test_little_work_is_not_shared():
    least = 2**18  # From half a million on there are two threads, as the docs say.
    with threadpool_limits(3, user_api="blas"):
        found = [
            workers.n_parts(n * least + more) for n in (1, 2, 3, 9) for more in (-1, 0)
        ]
    assert found == [1, 1, 1, 2, 2, 3, 3, 3]
