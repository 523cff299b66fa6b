"""Facts about ``Parameter`` and the algebra on lists of arrays."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

from invertiblenetworks.backend import to_cpu, to_gpu
from invertiblenetworks.parameter import (
    Parameter,
    axpy,
    check_like,
    check_list,
    dot,
    move_to_cpu,
    move_to_gpu,
    norm,
    par2vec,
    scale,
    vec2par,
)


def lists(rng, to_xp, dtype="float64"):
    """Two lists of the same shapes, and what they are as NumPy vectors."""
    shapes = [(2, 3), (4,), (1, 2, 2)]
    a = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    b = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    flat_a = np.concatenate([v.ravel() for v in a])
    flat_b = np.concatenate([v.ravel() for v in b])
    return [to_xp(v) for v in a], [to_xp(v) for v in b], flat_a, flat_b


# --- Parameter ------------------------------------------------------------------------


def test_knows_what_its_values_are(to_xp, xp):
    p = Parameter(to_xp(np.ones((2, 3), "float32")))
    assert (p.shape, p.size, p.dtype) == ((2, 3), 6, np.dtype("float32"))
    assert p.array_module is xp
    assert p.initialized
    assert repr(p) == "Parameter(shape=(2, 3), dtype=float32)"


def test_knows_what_its_values_will_be():
    p = Parameter(shape=[2, 3], dtype="float32")
    assert (p.shape, p.size, p.dtype) == ((2, 3), 6, np.dtype("float32"))
    assert p.array_module is np
    assert not p.initialized
    assert repr(p) == "Parameter(shape=(2, 3), dtype=float32, no values yet)"


@pytest.mark.parametrize("arguments", [{}, {"shape": (2,)}, {"dtype": "float32"}])
def test_needs_values_or_what_they_will_be(arguments):
    with pytest.raises(
        ValueError, match="Parameter: expected data, or shape and dtype"
    ):
        Parameter(**arguments)


def test_gradients_add_up_without_changing_what_was_given(to_xp, to_numpy):
    p = Parameter(to_xp(np.zeros(2)))
    first = to_xp(np.array([1.0, 2.0]))
    p.accumulate(first)
    p.accumulate(to_xp(np.array([10.0, 20.0])))
    np.testing.assert_array_equal(to_numpy(p.grad), [11.0, 22.0])
    np.testing.assert_array_equal(to_numpy(first), [1.0, 2.0])
    p.clear_grad()
    assert p.grad is None


def test_frozen_parameter_takes_no_gradient(to_xp):
    p = Parameter(to_xp(np.zeros(2)), trainable=False)
    p.accumulate(to_xp(np.ones(2)))
    assert p.grad is None


def test_set_copies_into_the_array_that_is_there(to_xp, to_numpy):
    p = Parameter(to_xp(np.zeros(2)))
    array, values = p.data, to_xp(np.array([1.0, 2.0]))
    p.set(values)
    assert p.data is array
    values[...] = 7.0
    np.testing.assert_array_equal(to_numpy(p.data), [1.0, 2.0])


def test_set_gives_first_values_as_a_copy(to_numpy):
    p = Parameter(shape=(2,), dtype="float64")
    values = np.array([1.0, 2.0])
    p.set(values)
    values[...] = 7.0
    np.testing.assert_array_equal(p.data, [1.0, 2.0])


def test_set_refuses_what_does_not_fit(to_xp):
    p = Parameter(to_xp(np.zeros(2)))
    with pytest.raises(ValueError, match=r"Parameter\.set: expected values of shape"):
        p.set(to_xp(np.zeros(3)))
    with pytest.raises(TypeError, match="values to be a float64"):
        p.set(to_xp(np.zeros(2, "float32")))
    with pytest.raises(TypeError, match="values to be an array, got list"):
        p.set([0.0, 0.0])


def test_cast_takes_the_gradient_along(to_xp):
    p = Parameter(to_xp(np.zeros(2)))
    p.accumulate(to_xp(np.ones(2)))
    p.convert(lambda a: a.astype("float32"))
    assert p.data.dtype == p.grad.dtype == np.float32


def test_cast_before_there_are_values():
    p = Parameter(shape=(2,), dtype="float64")
    p.convert(lambda a: a.astype("float32"))
    assert p.dtype == np.float32
    p.set(np.zeros(2, "float32"))


def test_moves_between_devices(xp, to_numpy):
    p = Parameter(np.array([1.0, 2.0]))
    p.accumulate(np.array([3.0, 4.0]))
    if xp is not np:
        move_to_gpu(p)
        assert p.array_module is xp
        assert isinstance(p.grad, xp.ndarray)
    move_to_cpu(p)
    assert p.array_module is np
    np.testing.assert_array_equal(p.data, [1.0, 2.0])
    np.testing.assert_array_equal(p.grad, [3.0, 4.0])


def test_moves_before_there_are_values(xp):
    p = Parameter(shape=(2,), dtype="float32")
    p.convert(to_cpu if xp is np else to_gpu)
    assert p.array_module is xp
    assert p.dtype == np.float32


def test_is_kept_alive_by_nobody_else():
    p = Parameter(np.zeros(2))
    watched = weakref.ref(p)
    del p
    gc.collect()
    assert watched() is None


# --- fitting of lists -----------------------------------------------------------------


def test_list_that_fits_passes(to_xp):
    params = [Parameter(to_xp(np.zeros(2))), Parameter(to_xp(np.zeros(3)))]
    check_list([p.data for p in params], params, "f", "values")
    check_like(to_xp(np.ones(2)), params[0], "f", "value")


def test_list_that_does_not_fit_is_described(to_xp):
    params = [Parameter(to_xp(np.zeros(2))), Parameter(to_xp(np.zeros(3)))]
    with pytest.raises(ValueError, match=r"f: expected values to hold 2 arrays.*got 1"):
        check_list([params[0].data], params, "f", "values")
    with pytest.raises(ValueError, match=r"values\[1\] of shape \(3,\)"):
        check_list([params[0].data, params[0].data], params, "f", "values")
    with pytest.raises(TypeError, match="values to be a list"):
        check_list(params[0].data, params, "f", "values")


# --- algebra --------------------------------------------------------------------------


def test_vector_holds_the_entries_in_order(rng, to_xp, to_numpy):
    a, _, flat, _ = lists(rng, to_xp)
    vector, shapes = par2vec(a)
    np.testing.assert_array_equal(to_numpy(vector), flat)
    assert shapes == [(2, 3), (4,), (1, 2, 2)]
    for back, array in zip(vec2par(vector, shapes), a, strict=True):
        np.testing.assert_array_equal(to_numpy(back), to_numpy(array))


def test_vector_is_a_copy_in_c_order(to_xp, to_numpy):
    array = to_xp(np.arange(6.0).reshape(2, 3))
    vector, _ = par2vec([array.T])
    np.testing.assert_array_equal(to_numpy(vector), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0])
    vector[...] = -1.0
    assert float(array.sum()) == 15.0


def test_parameters_stand_for_their_values(rng, to_xp, to_numpy):
    a, b, flat_a, flat_b = lists(rng, to_xp)
    params = [Parameter(v) for v in a]
    np.testing.assert_array_equal(to_numpy(par2vec(params)[0]), flat_a)
    np.testing.assert_allclose(float(dot(params, b)), flat_a @ flat_b, rtol=1e-14)


def test_dot_and_norm(rng, to_xp):
    a, b, flat_a, flat_b = lists(rng, to_xp)
    np.testing.assert_allclose(float(dot(a, b)), flat_a @ flat_b, rtol=1e-14)
    np.testing.assert_allclose(float(norm(a)), np.linalg.norm(flat_a), rtol=1e-14)


@pytest.mark.parametrize("alpha", [2.5, np.float64(2.5), np.float32(2.5)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_axpy_and_scale_keep_type_and_arguments(rng, to_xp, to_numpy, alpha, dtype):
    a, b, flat_a, flat_b = lists(rng, to_xp, dtype)
    results = {
        "axpy": (axpy(alpha, a, b), 2.5 * flat_a + flat_b),
        "scale": (scale(alpha, a), 2.5 * flat_a),
    }
    for result, wanted in results.values():
        vector, shapes = par2vec(result)
        assert vector.dtype == dtype
        assert shapes == [v.shape for v in a]
        np.testing.assert_allclose(to_numpy(vector), wanted, rtol=1e-6)
    np.testing.assert_array_equal(to_numpy(par2vec(a)[0]), flat_a)
    np.testing.assert_array_equal(to_numpy(par2vec(b)[0]), flat_b)


def test_lists_of_other_shapes_are_refused(rng, to_xp):
    a, b, _, _ = lists(rng, to_xp)
    with pytest.raises(ValueError, match="dot: expected two lists of the same shapes"):
        dot(a, b[:2])
    with pytest.raises(ValueError, match="axpy: expected two lists of the same shapes"):
        axpy(1.0, a, b[::-1])


def test_missing_entries_are_named(to_xp):
    array, empty = to_xp(np.zeros(2)), Parameter(shape=(2,), dtype="float64")
    for function in (par2vec, norm, lambda a: scale(2.0, a)):
        with pytest.raises(
            ValueError, match="expected values in every entry, got none"
        ):
            function([array, None])
    with pytest.raises(ValueError, match="none in entry 1"):
        dot([array, empty], [array, array])


def test_vectors_that_do_not_fit_are_refused(to_xp):
    with pytest.raises(ValueError, match="par2vec: expected at least one array"):
        par2vec([])
    with pytest.raises(ValueError, match="vec2par: expected a vector of 5"):
        vec2par(to_xp(np.zeros(4)), [(2,), (3, 1)])
    with pytest.raises(ValueError, match="vec2par: expected a vector of 4"):
        vec2par(to_xp(np.zeros((2, 2))), [(4,)])


@pytest.mark.parametrize("values", [None, np.ones(3)])
def test_copies_and_pickles_are_independent(values):
    p = Parameter(values, shape=(3,), dtype="float64")
    for twin in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert twin is not p
        assert (twin.shape, twin.dtype, twin.initialized) == (
            p.shape,
            p.dtype,
            p.initialized,
        )


def test_arithmetic_makes_new_parameters(to_xp, to_numpy):
    a, b = (
        Parameter(to_xp(np.array([1.0, 2.0]))),
        Parameter(to_xp(np.array([3.0, 5.0]))),
    )
    a.grad = a.data
    results = [a + b, a - b, 2 * a, a * 2, a / 2, -a, sum([a, b], 0 * a)]
    values = [[4, 7], [-2, -3], [2, 4], [2, 4], [0.5, 1], [-1, -2], [4, 7]]
    for result, wanted in zip(results, values, strict=True):
        assert isinstance(result, Parameter)
        assert result.grad is None
        np.testing.assert_array_equal(to_numpy(result.data), wanted)
    np.testing.assert_array_equal(to_numpy(a.data), [1, 2])


def test_arithmetic_refuses_what_does_not_fit():
    a = Parameter(np.ones(2, "float32"))
    assert (a * np.float64(2.0)).dtype == "float32"
    with pytest.raises(ValueError, match="two lists of the same shapes"):
        a + Parameter(np.ones(3, "float32"))
    with pytest.raises(ValueError, match="values"):
        a + Parameter(shape=(2,), dtype="float32")
    with pytest.raises(TypeError, match="unsupported operand"):
        a + 1.0
