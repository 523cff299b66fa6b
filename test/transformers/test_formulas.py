"""Results of the transformers, and where they are written."""

import numpy as np
import pytest
from transformer_cases import CASES, IDS, operands

from invertiblenetworks.kernels import parts

METHODS = ["forward", "inverse", "backward", "backward_inv"]

every = pytest.mark.parametrize(("transformer", "plain"), CASES, ids=IDS)
method = pytest.mark.parametrize("method", METHODS)


def copies(arguments, to_xp):
    """The arguments in the library under test, to be written to."""
    return [to_xp(array.copy()) for array in arguments]


def state_sized(arguments):
    """The arguments of the shape of ``b``."""
    return arguments[0::2] if len(arguments) == 4 else arguments[:1]


def as_out(places):
    return places[0] if len(places) == 1 else tuple(places)


def state_results(results):
    return results[0::2] if len(results) == 3 else results[:1]


def check(found, wanted, to_numpy, tolerance=1e-12):
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(
            to_numpy(one), other, rtol=tolerance, atol=10 * tolerance
        )


@method
@every
def test_results_without_out(transformer, plain, method, rng, to_xp, to_numpy):
    arguments = operands(rng, transformer, method)
    given = copies(arguments, to_xp)
    found = getattr(transformer, method)(*given)
    check(found, getattr(plain, method)(*arguments), to_numpy)
    # Nothing given is written to.
    for array, before in zip(given, arguments, strict=True):
        np.testing.assert_array_equal(to_numpy(array), before)


@method
@every
def test_results_in_other_arrays(transformer, plain, method, rng, xp, to_xp, to_numpy):
    """As views of a larger state; what surrounds them stays."""
    arguments = operands(rng, transformer, method)
    *given, p = copies(arguments, to_xp)
    state = xp.full((2, 3, 5, 4, 7), 9.0)
    places = [one[:, 1:3, :, 2:] for one in state][: len(state_sized(arguments))]
    found = getattr(transformer, method)(*given, p, out=as_out(places))
    check(found, getattr(plain, method)(*arguments), to_numpy)
    for result, place in zip(state_results(found), places, strict=True):
        assert result is place
    for array, before in zip(given, arguments, strict=False):
        np.testing.assert_array_equal(to_numpy(array), before)
    rest = to_numpy(state).copy()
    rest[: len(places), :, 1:3, :, 2:] = 9.0
    np.testing.assert_array_equal(rest, 9.0)


@method
@every
def test_results_in_place(transformer, plain, method, rng, xp, to_xp, to_numpy):
    """The operands are views of a state that are made anew for the results."""
    arguments = operands(rng, transformer, method)
    state = xp.full((2, 3, 5, 4, 5), 9.0)
    given, places = copies(arguments, to_xp), []
    positions = [0] if len(given) == 2 else [0, 2]
    for one, position in zip(state, positions, strict=False):
        one[:, 3:] = given[position]
        given[position] = one[:, 3:]
        places.append(one[:, 3:])
    found = getattr(transformer, method)(*given, out=as_out(places))
    check(found, getattr(plain, method)(*arguments), to_numpy)
    for result, place in zip(state_results(found), places, strict=True):
        assert result is place


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("method", ["backward", "backward_inv"])
@every
def test_one_result_in_place(
    transformer, plain, method, which, rng, xp, to_xp, to_numpy
):
    arguments = operands(rng, transformer, method)
    given = copies(arguments, to_xp)
    places = [xp.empty_like(given[0]), xp.empty_like(given[2])]
    places[which] = given[2 * which]
    found = getattr(transformer, method)(*given, out=tuple(places))
    check(found, getattr(plain, method)(*arguments), to_numpy)


@pytest.mark.parametrize("method", ["backward", "backward_inv"])
@every
def test_no_two_results_share_memory(
    transformer, plain, method, rng, xp, to_xp, to_numpy
):
    given = [to_xp(array) for array in operands(rng, transformer, method)]
    found = getattr(transformer, method)(*given, out=(given[0], given[2]))
    before = [to_numpy(array).copy() for array in found]
    found[1][...] = 5.0
    np.testing.assert_array_equal(to_numpy(found[0]), before[0])
    np.testing.assert_array_equal(to_numpy(found[2]), before[2])


@pytest.mark.parametrize("with_out", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@method
@every
def test_dtype_is_kept(transformer, plain, method, dtype, with_out, rng, to_xp):
    given = [to_xp(array) for array in operands(rng, transformer, method, dtype)]
    options = {"out": as_out(state_sized(given))} if with_out else {}
    found = getattr(transformer, method)(*given, **options)
    assert [result.dtype for result in found] == [np.dtype(dtype)] * len(found)


@pytest.mark.parametrize("shape", [(2, 3), (2, 1, 7), (1, 2, 3, 2, 2)], ids=str)
@method
@every
def test_any_number_of_axes(transformer, plain, method, shape, rng, to_xp, to_numpy):
    arguments = operands(rng, transformer, method, shape=shape)
    found = getattr(transformer, method)(*map(to_xp, arguments))
    check(found, getattr(plain, method)(*arguments), to_numpy)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@method
def test_huge_raw_scales(method, dtype, rng, to_xp, to_numpy):
    """The default scale and its derivative stay exact, without a warning."""
    transformer, plain = CASES[0]
    arguments = operands(rng, transformer, method, shape=(2, 2, 3))
    arguments[-1][:, :2] = [[[-1e30] * 3, [1e30] * 3], [[-3e4] * 3, [3e4] * 3]]
    found = getattr(transformer, method)(
        *(to_xp(array.astype(dtype)) for array in arguments)
    )
    expected = getattr(plain, method)(*arguments)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    check(found, expected, to_numpy, tolerance)


@pytest.mark.parametrize("shape", [(5, 3, 4, 5), (5, 3)], ids=str)
@pytest.mark.parametrize("n_entries", [1, 30, 130, 10**6])
@method
def test_parts_do_not_show(method, n_entries, shape, rng, to_xp, to_numpy, monkeypatch):
    """One row at a time, two, two samples of five, and all at once."""
    monkeypatch.setattr(parts, "IMAGE_ENTRIES", n_entries)
    transformer, plain = CASES[0]
    arguments = operands(rng, transformer, method, shape=shape)
    given = copies(arguments, to_xp)
    found = getattr(transformer, method)(*given, out=as_out(state_sized(given)))
    check(found, getattr(plain, method)(*arguments), to_numpy)


@pytest.mark.parametrize("shape", [(5, 3, 4, 5), (5, 3), (2, 3, 7)], ids=str)
def test_parts_cover_the_array_once(shape, monkeypatch):
    x = np.zeros(shape)
    in_a_row = x[0, :, 0].size if x.ndim > 2 else x[0].size
    for n_entries in (1, 30, 60, 130, 10**6):
        monkeypatch.setattr(parts, "IMAGE_ENTRIES", n_entries)
        x[...] = 0
        for part in parts.parts_of_images(x):
            assert x[part].size <= max(n_entries, in_a_row)
            x[part] += 1
        np.testing.assert_array_equal(x, 1)


@every
def test_gradient_is_that_of_finite_differences(transformer, plain, rng):
    """So the formulas above are right, not only the same."""
    db2, dld, b, p = operands(rng, transformer, "backward")

    def objective(b, p):
        b2, ld = plain.forward(b, p)
        return np.vdot(db2, b2) + np.vdot(dld, ld)

    db, dp, found = plain.backward(db2, dld, plain.forward(b, p)[0], p)
    np.testing.assert_allclose(found, b, rtol=1e-12, atol=1e-12)
    tb, tp, step = *operands(rng, transformer, "forward"), 1e-6
    slope = objective(b + step * tb, p + step * tp)
    slope = (slope - objective(b - step * tb, p - step * tp)) / (2 * step)
    assert np.vdot(db, tb) + np.vdot(dp, tp) == pytest.approx(slope, rel=1e-8)


@every
def test_inverse_gradient_is_that_of_finite_differences(transformer, plain, rng):
    db, dld, b2, p = operands(rng, transformer, "backward")

    def objective(b2, p):
        b, ld = plain.inverse(b2, p)
        return np.vdot(db, b) + np.vdot(dld, ld)

    db2, dp, found = plain.backward_inv(db, dld, plain.inverse(b2, p)[0], p)
    np.testing.assert_allclose(found, b2, rtol=1e-12, atol=1e-12)
    tb, tp, step = *operands(rng, transformer, "forward"), 1e-6
    slope = objective(b2 + step * tb, p + step * tp)
    slope = (slope - objective(b2 - step * tb, p - step * tp)) / (2 * step)
    assert np.vdot(db2, tb) + np.vdot(dp, tp) == pytest.approx(slope, rel=1e-8)
