"""States that a caller keeps: the result of another batch is told from rounding.

On a device the numbers of a result are not looked at, since that would wait.
"""

from __future__ import annotations

import numpy as np
import pytest
from kept_cases import Case, assert_same, on_host

import invertiblenetworks as inn
from invertiblenetworks import KeptStates
from invertiblenetworks.base.fingerprint import Fingerprint


@pytest.mark.parametrize("channel", range(4))
@pytest.mark.parametrize("name", ["Glow", "HINT", "pair", "reversed"])
def test_another_batch_is_refused_before_any_work(name, channel):
    """Also if only channels differ that the last coupling does not look at."""
    case, kept = Case(name, *on_host), KeptStates()
    with kept.recording():
        y = case.forward()
    n_kept = len(kept)
    moved = [part.copy() for part in y]
    moved[0][:, channel] += 1
    one_of_others = [part.copy() for part in y]
    one_of_others[0][1] = one_of_others[0][2]
    lost = [part.copy() for part in y]
    lost[0][1] = np.nan
    case.net.clear_grad()
    for other in ([part[::-1] for part in y], moved, one_of_others, lost):
        with kept.replaying(), pytest.raises(ValueError, match="the batch that was"):
            case.backward(other)
        assert len(kept) == n_kept
        assert all(grad is None for grad in case.net.get_grads())
    wanted = case.backward(y)
    with kept.replaying():
        assert_same(case.backward(y), wanted)


def test_another_batch_with_the_same_outlier_is_refused():
    """What is large for one sample says nothing about the others."""
    case, kept = Case("Glow", *on_host), KeptStates()
    case.x[0][0, 0, 0, 0] = 100
    with kept.recording():
        y = case.forward()
    other = [part.copy() for part in y]
    for part in other:
        part[1:] = part[:0:-1]
    with kept.replaying(), pytest.raises(ValueError, match="the batch that was"):
        case.backward(other)


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-8])
def test_the_right_batch_is_never_refused(size):
    """Images that are black but for a spot, and states that nearly vanish."""
    case, kept = Case("Glow", *on_host), KeptStates()
    case.x[0] *= size
    case.x[0][:, :, 9, 5] = 10 * size
    for net in (case.net, inn.Chain(case.net, inn.reverse(case.net))):
        case.net = net
        with kept.recording():
            y = case.forward()
        with kept.replaying():
            case.backward(y)
        assert len(kept) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_hides_no_other(value):
    y = np.random.default_rng(0).standard_normal((3, 4, 8, 8))
    y[0, 1, 1, 1] = value
    seen = Fingerprint(y)
    assert seen.fits(y)
    assert not seen.fits(y[[0, 2, 1]])


def test_how_far_a_result_may_be_off():
    y = -1 - np.random.default_rng(0).random((3, 2, 8, 8))
    y[2] = 0
    seen = Fingerprint(y)
    off = np.zeros_like(y)
    off[1] = 0.09
    assert seen.fits(y + off)
    assert not seen.fits(y + 3 * off)
    assert seen.fits(y + 5e-4)
    assert not seen.fits(y + 3e-3)


@pytest.mark.parametrize("first", [0, 1])
def test_arrays_of_a_pair_have_the_errors_of_both(first):
    large = np.random.default_rng(0).standard_normal((3, 2, 8, 8))
    pair = [large, 1e-6 * large][:: 1 - 2 * first]
    seen = Fingerprint(tuple(pair))
    assert seen.fits((pair[0] + 1e-3, pair[1] - 1e-3))
    assert not seen.fits((pair[0] + 1, pair[1] - 1))


def test_a_sample_that_vanishes_is_recognised_when_it_is_recomputed():
    """It comes back as rounding of another kind, which is small beside the others."""
    case, other, kept = Case("Glow", *on_host), Case("Glow", *on_host), KeptStates()
    case.x[0][0] = 0
    back = inn.reverse(case.net)
    z, _ = case.net.forward(*case.x)
    with kept.recording():
        y = back.forward(z)[0]
        w, _ = other.net.forward(y)
    assert 0 < abs(y[0]).max() < 1e-5 * abs(y[1]).max()
    with kept.replaying():
        dy, y_again = other.net.backward(w, w)
        assert not np.allclose(y[0], y_again[0], rtol=0.5, atol=0)
        back.backward(dy, y_again)
    assert len(kept) == 0
