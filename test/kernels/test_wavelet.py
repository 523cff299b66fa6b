"""Wavelet transforms squeezed into channels."""

import itertools

import numpy as np
import pytest
import pywt

from invertiblenetworks.kernels.squeeze import squeezed_shape
from invertiblenetworks.kernels.wavelet import (
    haar_squeeze,
    haar_unsqueeze,
    wavelet_squeeze,
    wavelet_unsqueeze,
)
from invertiblenetworks.kernels.wavelet_filters import scaling_filter

FILTERS = [
    "haar",
    *(f"db{n}" for n in range(1, 39)),
    *(f"sym{n}" for n in range(2, 21)),
    *(f"coif{n}" for n in range(1, 18)),
]
SHAPES = [(2, 3, 8), (2, 3, 4, 6), (2, 1, 2, 4, 6)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
HAAR = "Haar blocks"
kinds = pytest.mark.parametrize("kind", ["db1", "db2", "sym4", "coif2", HAAR])


def forward(x, kind):
    return haar_squeeze(x) if kind == HAAR else wavelet_squeeze(x, kind)


def inverse(y, kind):
    return haar_unsqueeze(y) if kind == HAAR else wavelet_unsqueeze(y, kind)


def band_matrices(size, wavelet):
    """Rows of the low and of the high band along one axis, element by element."""
    low, high = np.zeros((2, size // 2, size))
    for k in range(size // 2):
        for m, h in enumerate(scaling_filter(wavelet)):
            low[k, (2 * k + m) % size] += h
            high[k, (2 * k + 1 - m) % size] += (-1) ** m * h
    return low, high


def dense_transform(x, wavelet):
    """The transform by one matrix per axis, channels in the documented order."""
    sizes = x.shape[2:]
    y = np.empty(squeezed_shape(x.shape))
    # The last axis is x, whose bit is the lowest: the order of itertools.product.
    for q, bits in enumerate(itertools.product((0, 1), repeat=len(sizes))):
        band = x
        for axis, bit in enumerate(bits):
            matrix = band_matrices(sizes[axis], wavelet)[bit]
            band = np.moveaxis(np.tensordot(matrix, band, (1, 2 + axis)), 0, 2 + axis)
        y[:, q :: 2 ** len(sizes)] = band
    return y


def dense_haar(x):
    """From db1: other signs of odd bands, blocks of channels, x the slowest bit."""
    c, rank = x.shape[1], x.ndim - 2
    y = dense_transform(x, "db1")
    blocks = []
    for r in range(2**rank):
        bits = [(r >> b) & 1 for b in range(rank)]  # of z, y, x, as far as present
        q = sum(bit << (rank - 1 - b) for b, bit in enumerate(bits))
        blocks.append((-1) ** sum(bits) * y[:, q :: 2**rank][:, :c])
    return np.concatenate(blocks, axis=1)


def test_values_by_hand(to_xp, to_numpy):
    p00, p10, p01, p11 = 1.0, 2.0, 5.0, 11.0  # p(x, y)
    image = to_xp(np.array([[[[p00, p10], [p01, p11]]]]))
    blocks = [19 / 2, -13 / 2, -7 / 2, 5 / 2]
    np.testing.assert_allclose(to_numpy(haar_squeeze(image)).ravel(), blocks)
    bands = [19 / 2, 7 / 2, 13 / 2, 5 / 2]
    np.testing.assert_allclose(to_numpy(wavelet_squeeze(image)).ravel(), bands)


@pytest.mark.parametrize("wavelet", ["haar", "db1", "db2", "db5", "sym5", "coif2"])
@shapes
def test_transform_is_the_filter_bank(shape, wavelet, rng, to_xp, to_numpy):
    x = rng.standard_normal(shape)
    y = to_numpy(wavelet_squeeze(to_xp(x), wavelet))
    np.testing.assert_allclose(y, dense_transform(x, wavelet), atol=1e-13)


@shapes
def test_haar_is_db1_in_another_order(shape, rng, to_xp, to_numpy):
    x = rng.standard_normal(shape)
    y = to_numpy(haar_squeeze(to_xp(x)))
    np.testing.assert_allclose(y, dense_haar(x), atol=1e-14)


@pytest.mark.parametrize("wavelet", ["db2", "sym5", "coif1"])
def test_bands_agree_with_pywavelets(wavelet, rng):
    """Up to a shift of the signal and the sign: conventions on these differ."""
    x = rng.standard_normal(16)
    expected = pywt.dwt(x, wavelet, mode="periodization")
    shifted = np.stack([np.roll(x, shift) for shift in range(16)])
    bands = wavelet_squeeze(shifted[:, None], wavelet).swapaxes(0, 1)
    for ours, theirs in zip(bands, expected, strict=True):
        misfits = [abs(ours - sign * theirs).max(axis=1).min() for sign in (1, -1)]
        assert min(misfits) < 1e-10


@kinds
@shapes
def test_inverse_is_the_adjoint(shape, kind, rng, to_xp, to_numpy):
    x, y = rng.standard_normal(shape), rng.standard_normal(squeezed_shape(shape))
    transformed, image = forward(to_xp(x), kind), inverse(to_xp(y), kind)
    assert image.shape == shape
    np.testing.assert_allclose(to_numpy(inverse(transformed, kind)), x, atol=1e-12)
    np.testing.assert_allclose(to_numpy(forward(image, kind)), y, atol=1e-12)
    transformed, image = to_numpy(transformed), to_numpy(image)
    assert np.linalg.norm(transformed) == pytest.approx(np.linalg.norm(x), rel=1e-13)
    assert np.vdot(y, transformed) == pytest.approx(np.vdot(image, x), abs=1e-12)


@pytest.mark.parametrize("wavelet", FILTERS)
def test_every_orthogonal_wavelet(wavelet, rng):
    """On an axis shorter than most filters, on one longer than half, and in 2-D."""
    for shape in [(1, 2, 6), (1, 1, 128), (1, 1, 10, 2)]:
        x, y = rng.standard_normal(shape), rng.standard_normal(squeezed_shape(shape))
        transformed = wavelet_squeeze(x, wavelet)
        image = wavelet_unsqueeze(y, wavelet)
        np.testing.assert_allclose(
            wavelet_unsqueeze(transformed, wavelet), x, atol=1e-12
        )
        np.testing.assert_allclose(wavelet_squeeze(image, wavelet), y, atol=1e-12)
        assert np.vdot(y, transformed) == pytest.approx(np.vdot(image, x), abs=1e-12)


@pytest.mark.parametrize("wavelet", FILTERS)
def test_polished_filters(wavelet):
    h, table = np.array(scaling_filter(wavelet)), pywt.Wavelet(wavelet).rec_lo
    for k in range(h.size // 2):
        product = h[: h.size - 2 * k] @ h[2 * k :]
        assert product == pytest.approx(float(k == 0), abs=1e-15)
    change = 1e-11 if wavelet.startswith("sym") else 1e-15
    np.testing.assert_allclose(h, table, rtol=0, atol=change)


def test_the_list_of_wavelets_is_complete():
    orthogonal = [
        name for name in pywt.wavelist(kind="discrete") if pywt.Wavelet(name).orthogonal
    ]
    assert sorted(orthogonal) == sorted([*FILTERS, "dmey"])


def test_smooth_signals_have_no_high_band():
    """What the longer filters are for: db2 annihilates straight lines."""
    line = np.arange(16.0)[None, None]
    high = wavelet_squeeze(line, "db2")[0, 1]
    np.testing.assert_allclose(high[1:-1], 0, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@kinds
def test_results_are_contiguous_and_keep_the_dtype(kind, dtype, rng, to_xp):
    x = to_xp(rng.standard_normal((2, 3, 4, 6)).astype(dtype))
    y = forward(x, kind)
    for result in (y, inverse(y, kind)):
        assert result.dtype == dtype
        assert result.flags.c_contiguous


@kinds
def test_strides_do_not_matter_and_inputs_are_untouched(kind, rng):
    strided = rng.standard_normal((6, 4, 8, 3)).transpose(3, 2, 1, 0)[:, ::2]
    x = strided.copy()
    y = forward(strided, kind)
    np.testing.assert_allclose(y, forward(x, kind), atol=1e-14)
    strided_y = np.asfortranarray(y)
    np.testing.assert_allclose(inverse(strided_y, kind), x, atol=1e-12)
    np.testing.assert_array_equal(strided, x)
    np.testing.assert_array_equal(strided_y, y)


@kinds
def test_nothing_waits_for_the_device(kind, rng, to_xp, device_counters):
    x = to_xp(rng.standard_normal((2, 3, 4, 6)))
    device_counters.reset()
    inverse(forward(x, kind), kind)
    assert device_counters.read() == (0, 0, 0)


@pytest.mark.parametrize("wavelet", ["bior1.1", "bior2.2", "rbio1.3", "dmey"])
def test_wavelets_that_are_not_orthogonal_are_refused(wavelet):
    expected = f"expected an orthogonal wavelet, got '{wavelet}'"
    with pytest.raises(ValueError, match=f"wavelet_squeeze: {expected}"):
        wavelet_squeeze(np.zeros((1, 1, 8)), wavelet)
    with pytest.raises(ValueError, match=f"wavelet_unsqueeze: {expected}"):
        wavelet_unsqueeze(np.zeros((1, 2, 8)), wavelet)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: wavelet_squeeze(np.zeros((1, 1, 4)), "morl"), "one of .*, got 'morl'"),
        (lambda: wavelet_squeeze(np.zeros((1, 1, 5))), "divisible by 2"),
        (lambda: haar_squeeze(np.zeros((1, 1, 4, 5))), "divisible by 2"),
        (lambda: wavelet_unsqueeze(np.zeros((1, 6, 4, 4))), "channels divisible by 4"),
        (lambda: haar_unsqueeze(np.zeros((1, 3, 4))), "channels divisible by 2"),
    ],
)
def test_bad_arguments(call, match):
    with pytest.raises(ValueError, match=match):
        call()
