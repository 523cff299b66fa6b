"""Exchange of resolution for channels."""

import itertools

import numpy as np
import pytest
from sharing import share_all_work
from threadpoolctl import threadpool_limits

from invertiblenetworks.kernels import squeeze as kernels_squeeze
from invertiblenetworks.kernels import workers
from invertiblenetworks.kernels.squeeze import (
    PATTERNS,
    squeeze,
    squeezed_shape,
    unsqueeze,
    unsqueezed_shape,
)

SHAPES = [(2, 3, 8), (2, 3, 4, 6), (2, 3, 2, 4, 6), (1, 1, 4), (0, 2, 4)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
patterns = pytest.mark.parametrize("pattern", PATTERNS)


def squeeze_by_loops(x, pattern):
    """The table of the reference: one output element at a time."""
    n, c, *sizes = x.shape
    rank = len(sizes)
    half = tuple(size // 2 for size in sizes)
    y = np.full((n, c * 2**rank, *half), np.nan)
    for ch in range(c):
        for q, bits in enumerate(itertools.product((0, 1), repeat=rank)):
            for pixel in itertools.product(*map(range, half)):
                if pattern == "column":
                    position = q * np.prod(half) + np.ravel_multi_index(pixel, half)
                    source = np.unravel_index(position, sizes)
                    channel = 2**rank * ch + q
                elif pattern == "patch":
                    source = [pixel[a] + bits[a] * half[a] for a in range(rank)]
                    channel = q * c + ch
                else:
                    source = [2 * pixel[a] + bits[a] for a in range(rank)]
                    channel = q * c + ch
                y[(slice(None), channel, *pixel)] = x[(slice(None), ch, *source)]
    return y


@pytest.mark.parametrize(
    ("pattern", "blocks"),
    [
        ("column", "00 20 10 30 | 01 21 11 31 | 02 22 12 32 | 03 23 13 33"),
        ("patch", "00 01 10 11 | 20 21 30 31 | 02 03 12 13 | 22 23 32 33"),
        ("checkerboard", "00 02 20 22 | 10 12 30 32 | 01 03 21 23 | 11 13 31 33"),
    ],
)
def test_values_by_hand(pattern, blocks, to_xp, to_numpy):
    y_axis, x_axis = np.mgrid[0:4, 0:4]
    image = (10.0 * x_axis + y_axis)[None, None]
    # The blocks are listed as rows over x, columns over y; the array is (y, x).
    numbers = [block.split() for block in blocks.split("|")]
    expected = np.array(numbers, dtype=float).reshape(1, 4, 2, 2).swapaxes(2, 3)
    y = to_numpy(squeeze(to_xp(image), pattern))
    np.testing.assert_array_equal(y, expected)


@patterns
@shapes
def test_squeeze_is_the_table(shape, pattern, rng, to_xp, to_numpy):
    x = rng.standard_normal(shape)
    y = to_numpy(squeeze(to_xp(x), pattern))
    np.testing.assert_array_equal(y, squeeze_by_loops(x, pattern))


@patterns
@shapes
def test_unsqueeze_is_inverse_and_adjoint(shape, pattern, rng, to_xp, to_numpy):
    x = rng.standard_normal(shape)
    y = rng.standard_normal(squeezed_shape(shape))
    squeezed, unsqueezed = squeeze(to_xp(x), pattern), unsqueeze(to_xp(y), pattern)
    assert unsqueezed.shape == shape
    np.testing.assert_array_equal(to_numpy(unsqueeze(squeezed, pattern)), x)
    np.testing.assert_array_equal(to_numpy(squeeze(unsqueezed, pattern)), y)
    assert np.vdot(y, to_numpy(squeezed)) == pytest.approx(
        np.vdot(to_numpy(unsqueezed), x), abs=1e-12
    )


def test_unsqueeze_accepts_odd_sizes(rng):
    y = rng.standard_normal((1, 4, 3, 5))
    assert unsqueeze(y, "patch").shape == (1, 1, 6, 10)


@patterns
def test_strides_do_not_matter_and_inputs_are_untouched(pattern, rng):
    strided = rng.standard_normal((6, 4, 8, 3)).transpose(3, 2, 1, 0)[:, ::2]
    x = strided.copy()
    y = squeeze(strided, pattern)
    np.testing.assert_array_equal(y, squeeze(x, pattern))
    strided_y = np.asfortranarray(y)
    np.testing.assert_array_equal(unsqueeze(strided_y, pattern), x)
    np.testing.assert_array_equal(strided, x)
    np.testing.assert_array_equal(strided_y, y)


@pytest.mark.parametrize("n_samples", [1, 2, 5])
@pytest.mark.parametrize("spatial", [(8,), (4, 6), (2, 4, 6)], ids=str)
@patterns
def test_shared_copies_are_the_same(
    pattern, spatial, n_samples, rng, numpy_kernels, monkeypatch
):
    """Of arrays in C order and of others; in C order, and not those that were given."""
    x = rng.standard_normal((n_samples, 3, *spatial))
    x = [x, x[:, ::-1], x[::-1, ..., ::-1], np.asfortranarray(x)]
    y = [squeeze(array, pattern).copy(order="K") for array in x]
    y += [np.asfortranarray(array) for array in y]
    before = [array.copy() for array in (*x, *y)]

    def run():
        squeezed = [squeeze(array, pattern) for array in x]
        unsqueezed = [unsqueeze(array, pattern) for array in y]
        return squeezed + unsqueezed + of_haar()

    def of_haar():
        bits = [kernels_squeeze.to_bits(array, "checkerboard") for array in x]
        place = kernels_squeeze.channel_major(x[0].ndim)
        merged = [kernels_squeeze.bits_to_channels(array, place) for array in bits]
        back = [kernels_squeeze.channels_to_bits(array, place) for array in merged]
        return merged + [kernels_squeeze.from_bits(a, "checkerboard") for a in back]

    shares, run_tasks = [], workers.run
    wanted = run()
    monkeypatch.setattr(
        workers, "run", lambda tasks: shares.append(len(tasks)) or run_tasks(tasks)
    )
    share_all_work(monkeypatch)
    with threadpool_limits(2, user_api="blas"):
        found = run()
    assert set(shares) == {min(2, n_samples)}
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.flags.c_contiguous
    for array, old in zip((*x, *y), before, strict=True):
        np.testing.assert_array_equal(array, old)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@patterns
@shapes
def test_results_are_contiguous_and_keep_the_dtype(shape, pattern, dtype, xp):
    x = xp.ones(shape, dtype=dtype)
    y = squeeze(x, pattern)
    for result in (y, unsqueeze(y, pattern)):
        assert result.dtype == dtype
        assert result.flags.c_contiguous


@patterns
def test_nothing_waits_for_the_device(pattern, rng, to_xp, device_counters):
    x = to_xp(rng.standard_normal((2, 3, 4, 6)))
    device_counters.reset()
    unsqueeze(squeeze(x, pattern), pattern)
    assert device_counters.read() == (0, 0, 0)


@shapes
def test_shapes(shape):
    n, c, *sizes = shape
    squeezed = (n, c * 2 ** len(sizes), *(size // 2 for size in sizes))
    assert squeezed_shape(shape) == squeezed
    assert unsqueezed_shape(squeezed) == shape


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda: squeeze(np.zeros((1, 2, 4, 3)), "patch"),
            r"squeeze: expected spatial sizes divisible by 2, got shape \(1, 2, 4, 3\)",
        ),
        (
            lambda: unsqueeze(np.zeros((1, 6, 4, 4))),
            r"unsqueeze: expected a number of channels divisible by 4, got shape",
        ),
        (lambda: squeeze(np.zeros((1, 2))), "with 1 to 3 spatial axes"),
        (lambda: unsqueeze(np.zeros((1, 2))), "with 1 to 3 spatial axes"),
        (lambda: squeeze(np.zeros((1, 2, 4)), "spiral"), "'patch', .*, got 'spiral'"),
        (lambda: unsqueeze(np.zeros((1, 2, 4)), "spiral"), "unsqueeze: .*'spiral'"),
    ],
)
def test_bad_arguments(call, match):
    with pytest.raises(ValueError, match=match):
        call()
