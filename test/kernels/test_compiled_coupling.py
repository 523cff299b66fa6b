"""Compiled formulas of affine couplings against exact ones, to a few roundings."""

from __future__ import annotations

import numpy as np
import pytest
from compiled_cases import (
    EXACT,
    LAYOUTS,
    PULLS,
    TRANSFORMS,
    Guards,
    exact,
    exact_scale,
    expect_close,
    in_layout,
)

from invertiblenetworks.kernels import affine_formulas
from invertiblenetworks.kernels.activation_layers import (
    ExpClampLayer,
    Sigmoid2Layer,
    SigmoidLayer,
    SoftplusLayer,
    TanhLayer,
)
from invertiblenetworks.kernels.channels import empty_state
from invertiblenetworks.kernels.compiled import coupling, library, rows

compiled = pytest.mark.usefixtures("compiled_library", "n_parts")
dtypes = pytest.mark.parametrize("dtype", ["float64", "float32"])
inverses = pytest.mark.parametrize("inverse", [False, True], ids=["map", "inverse"])

SCALE = ExpClampLayer()
SCALES = [SCALE, Sigmoid2Layer(), SigmoidLayer(0.3, 1.7), SoftplusLayer()]
all_scales = pytest.mark.parametrize("scale", SCALES, ids=repr)

SIZES = [
    *((n, 3, ()) for n in (1, 7, 8, 16, 17, 33, 300)),
    (20, 1, ()),
    *((2, c, (p,)) for c in (1, 3) for p in (1, 3, 4, 5, 8, 16, 17, 31)),
    (3, 2, (4, 4)),
    (2, 5, (7, 9)),
    (2, 3, (5, 6, 7)),
    (2, 2, (40, 60)),
]
sizes = pytest.mark.parametrize(("n", "c", "spatial"), SIZES, ids=str)

# What a state, its cotangent and its parameters need: exact values, then their bounds.


def exact_map(activation, inverse, x, p):
    raw, shift = np.split(exact(p), 2, axis=1)
    s, log_s, terms, _ = exact_scale(activation, raw)
    x = exact(x)
    y = (x - shift) / s if inverse else s * x + shift
    bound = (abs(x) + abs(shift)) / s if inverse else s * abs(x) + abs(shift)
    per_sample = tuple(range(1, x.ndim))
    sign = -1 if inverse else 1
    return y, bound, sign * log_s.sum(per_sample), terms.sum(per_sample)


def exact_pull(activation, inverse, dy, dld, y, p):
    """Of ``dx, dp, x``: the values, and bounds for errors of each."""
    raw, shift = np.split(exact(p), 2, axis=1)
    s, _, _, slope = exact_scale(activation, raw)
    dy, y, dld = exact(dy), exact(y), exact(dld).reshape(-1, *(1,) * (y.ndim - 1))
    if inverse:
        dx, x, dshift = dy / s, s * y + shift, -dy / s
        draw, bound_x = -slope * (dy * y + dld), s * abs(y) + abs(shift)
        bound_draw = slope * (abs(dy * y) + abs(dld))
    else:
        dx, x, dshift = s * dy, (y - shift) / s, dy
        draw, bound_x = slope * (dy * (y - shift) + dld), (abs(y) + abs(shift)) / s
        bound_draw = slope * (abs(dy) * (abs(y) + abs(shift)) + abs(dld))
    dp = np.concatenate([draw, dshift], axis=1)
    bound_dp = np.concatenate([bound_draw, abs(dshift)], axis=1)
    return (dx, abs(dx)), (dp, bound_dp), (x, bound_x)


def operands(n, c, spatial, rng, dtype):
    """A state, parameters, a cotangent and those of log-determinants."""
    x, dy = (rng.standard_normal((n, c, *spatial)).astype(dtype) for _ in range(2))
    p = (3 * rng.standard_normal((n, 2 * c, *spatial))).astype(dtype)
    return x, p, dy, rng.standard_normal(n).astype(dtype)


def as_state(x):
    """In the layout that layers give to states."""
    state = empty_state(x)
    state[...] = x
    return state


def expect_transform(inverse, x, p, y, activation=SCALE):
    wanted, bound, of_ld, bound_ld = exact_map(activation, inverse, x, p)
    ld = TRANSFORMS[inverse](activation, x, p, y)
    assert ld.dtype == y.dtype
    expect_close(y, wanted, bound, 12)
    # Of a vector, logarithms of all channels are summed one after the other.
    expect_close(ld, of_ld, bound_ld, 4 + (x.shape[1] if x.ndim == 2 else 0))


def expect_pull(inverse, read, written, activation=SCALE):
    wanted = exact_pull(activation, inverse, *read)
    PULLS[inverse](activation, *read, *written)
    for found, (value, bound) in zip(written, wanted, strict=True):
        expect_close(found, value, bound, 12)


@pytest.fixture
def uses(monkeypatch):
    """How often formulas were left to NumPy and how often not."""
    found = {True: 0, False: 0}

    def counted(*arrays, rows_of=rows.rows_of, **options):
        result = rows_of(*arrays, **options)
        found[result is not None] += 1
        return result

    monkeypatch.setattr(coupling, "rows_of", counted)
    return found


@compiled
@inverses
@dtypes
@all_scales
@sizes
def test_formulas(n, c, spatial, scale, dtype, inverse, uses, rng):
    x, p, dy, dld = operands(n, c, spatial, rng, dtype)
    x, p, dy = as_state(x), as_state(p), as_state(dy)
    before = [a.copy() for a in (x, p, dy, dld)]
    expect_transform(inverse, x, p, empty_state(x), scale)
    results = [empty_state(a) for a in (x, p, x)]
    expect_pull(inverse, (dy, dld, x, p), results, scale)
    assert uses == {True: 2, False: 0}
    for array, old in zip((x, p, dy, dld), before, strict=True):
        np.testing.assert_array_equal(array, old)
    # In the place of what is read; the numbers are the same.
    TRANSFORMS[inverse](scale, x, p, place := empty_state(x))
    TRANSFORMS[inverse](scale, place_of_x := as_state(x), p, place_of_x)
    np.testing.assert_array_equal(place_of_x, place)
    PULLS[inverse](scale, dy, dld, x, p, dy, p, x)
    for array, result in zip((dy, p, x), results, strict=True):
        np.testing.assert_array_equal(array, result)


@inverses
@pytest.mark.parametrize("spatial", [(), (4, 4)], ids=str)
def test_no_samples(spatial, inverse, each_library, rng):
    x, p, dy, dld = operands(0, 2, spatial, rng, "float32")
    expect_transform(inverse, x, p, empty_state(x))
    expect_pull(inverse, (dy, dld, x, p), [empty_state(a) for a in (x, p, x)])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("n", "spatial"), [(21, ()), (3, (5, 5)), (4, (4, 4))])
@inverses
def test_layouts(inverse, n, spatial, layout, each_library, rng, uses):
    """Each array by itself, and all of them, in each layout that can be read."""
    c = 3
    x, p, dy, dld = operands(n, c, spatial, rng, "float64")
    arrays = {"x": x, "p": p, "dy": dy, "dld": dld}
    for changed in (["x"], ["p"], ["dy"], ["x", "p", "dy"]):
        given = {
            name: in_layout(a, layout if name in changed else "plain")
            if a.ndim > 1
            else a
            for name, a in arrays.items()
        }
        x, p, dy, dld = given.values()
        expect_transform(inverse, x, p, np.empty(x.shape))
        expect_pull(inverse, (dy, dld, x, p), [np.empty(a.shape) for a in (x, p, x)])
    if each_library is not None and layout in LAYOUTS[:6] and spatial:
        assert uses[False] == 0
    if layout == "broadcast samples":
        return
    # Results in such a layout, in the place of what is read.
    x, p, dy = (in_layout(a, layout) for a in (x, p, dy))
    expect_transform(inverse, x.copy(), p, x)
    expect_pull(inverse, (dy.copy(), dld, x.copy(), p.copy()), (dy, p, x))


@compiled
@inverses
@dtypes
def test_halves_of_a_larger_state(inverse, dtype, uses, rng):
    """What lies beside them stays; channels of other strides in every array."""
    for n, c, spatial in ((3, 2, (5, 3)), (2, 3, (17,)), (3, 1, (4, 4))):
        x, p, dy, dld = operands(n, c, spatial, rng, dtype)
        state = np.full((6, n, 3 * c + 1, *spatial), 7.0, dtype)
        views = [
            state[i, :, i % 2 : i % 2 + a.shape[1]] for i, a in enumerate((x, p, x))
        ]
        others = [state[3, ::-1, 1 : 1 + c], state[4, :, :c][:, ::-1]]
        before = state.copy()
        expect_transform(inverse, x, p, views[0])
        expect_pull(inverse, (dy, dld, x, p), views)
        expect_pull(inverse, (dy, dld, x, p), [others[0], views[1], others[1]])
        for view in (*views, *others):
            view[...] = 7.0
        np.testing.assert_array_equal(state, before)
    assert uses[False] == 0


@compiled
def test_arrays_that_are_left_to_numpy(uses, rng):
    """Other types, samples of vectors with gaps, and scales of another kind."""
    x, p, dy, dld = operands(9, 3, (), rng, "float64")
    expect_transform(False, x, p, np.empty_like(x))
    expect_pull(False, (dy, dld, x, p), [np.empty_like(a) for a in (x, p, x)])
    assert uses == {True: 0, False: 2}
    x, p, dy = as_state(x), as_state(p), as_state(dy)
    narrow = p.astype("float32")
    y, bound, *_ = exact_map(SCALE, False, x, narrow)
    affine_formulas.affine_forward(SCALE, x, narrow, result := np.empty_like(x))
    expect_close(result, y, bound, 2**32)  # roundings of the narrower type
    read = (dy, dld.astype("float32"), x, narrow)
    results = [np.empty_like(a) for a in (x, p, x)]
    for inverse in (False, True):
        wanted = exact_pull(SCALE, inverse, *read)
        PULLS[inverse](SCALE, *read, *results)
        for found, (value, bound) in zip(results, wanted, strict=True):
            expect_close(found, value, bound, 2**32)
    assert uses == {True: 0, False: 5}
    read = (dy, dld.astype("float32"), x, p)
    expect_pull(False, read, results)  # only the type of dld differs
    dld = np.repeat(dld, 2)[::2]
    expect_pull(False, (dy, dld, x, p), results)
    assert uses == {True: 2, False: 5}
    assert coupling.functions_for(TanhLayer(), x) is None
    assert coupling.functions_for(SCALE, x) is not None
    for dtype in ("float16", "complex128", ">f8", "int64"):
        assert coupling.functions_for(SCALE, x.astype(dtype)) is None


@compiled
@inverses
def test_only_the_scale_that_is_known(inverse, uses, rng):
    """A class that changes the function is another function."""

    class Shifted(ExpClampLayer):
        def forward(self, x):
            return super().forward(x - 1)

        def derivative(self, y):
            return super().derivative(y)

        def inverse(self, y):
            return super().inverse(y) + 1

    class Named(ExpClampLayer):
        """The same function."""

    x, p, _, _ = operands(3, 2, (4, 4), rng, "float64")
    phi, results = Shifted(), [np.empty_like(x), np.empty_like(x)]
    assert phi.compiled_as is None
    assert Named(3.0).compiled_as == ExpClampLayer(3.0).compiled_as
    assert coupling.functions_for(phi, x) is None
    ld = TRANSFORMS[inverse](phi, x, p, results[0])
    p[:, :2] -= 1
    assert uses == {True: 0, False: 0}
    wanted = TRANSFORMS[inverse](SCALE, x, p, results[1])
    assert uses == {True: 1, False: 0}
    np.testing.assert_allclose(results[0], results[1], rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(ld, wanted, rtol=1e-12, atol=1e-12)


@compiled
@dtypes
def test_rounding_errors_of_log_determinants_do_not_add_up(dtype):
    """Of scales of one sign: samples in one row, and channel by channel."""
    n, c, spatial = 2, 4, (400, 400)
    for changed in ("plain", "reversed channels"):
        x = np.ones((n, c, *spatial), dtype)
        p = in_layout(np.full((n, 2 * c, *spatial), 0.1, dtype), changed)
        wanted = np.arctan(exact(p[0, 0, 0, 0])) * EXACT(SCALE.compiled_as.first)
        ld = affine_formulas.affine_forward(SCALE, x, p, np.empty_like(x))
        relative = np.abs(ld / (wanted * x[0].size) - 1)
        units = 8 if dtype == "float32" else 400  # numbers are summed in float64
        assert relative.max() <= units * np.finfo(dtype).eps


@compiled
@dtypes
@inverses
@sizes
def test_nothing_beside_results_is_written(n, c, spatial, inverse, dtype, n_parts, rng):
    """And what is read lies among what is not a number."""
    guards, own = Guards(), operands(n, c, spatial, rng, dtype)

    def guarded(shape, value=None, beside=-0.0):
        turned = None if value is None else value.T
        if len(shape) == 2:
            return guards.array(shape[::-1], dtype, turned, beside).T
        return guards.array(shape, dtype, value, beside)

    x, p, dy, dld = (guarded(a.shape, a, np.nan) for a in own)
    y, ld = guarded(x.shape), guarded((n,))
    results = [guarded(a.shape) for a in (x, p, x)]
    functions = library.functions(np.dtype(dtype))
    memory, options = guarded((n_parts * n,)), dict(n_parts=n_parts)
    arrays, of_map = (x, p, y, ld, memory), rows.rows_of(x, p, y, **options)
    functions.affine(of_map, inverse, *arrays, *SCALE.compiled_as.words)
    of_back = rows.rows_of(x, p, results[2], dy, results[1], results[0], **options)
    read = (dy, dld, x, p)
    functions.affine_back(of_back, inverse, *read, *results, *SCALE.compiled_as.words)
    guards.check()
    wanted, bound, of_ld, bound_ld = exact_map(SCALE, inverse, x, p)
    expect_close(y, wanted, bound, 12)
    expect_close(ld, of_ld, bound_ld, 4 + c)
    pulled = exact_pull(SCALE, inverse, *read)
    for found, (value, bound) in zip(results, pulled, strict=True):
        expect_close(found, value, bound, 12)


def test_rows(rng):
    """Rows of all numbers of a sample, or of a channel; nobody changes them."""
    x, p = np.zeros((3, 2, 4, 5)), np.zeros((3, 4, 4, 5))
    found = rows.rows_of(x, p, x)
    assert rows.rows_of(x, p, x) is found
    assert (found.n_samples, found.n_channels, found.n_pixels) == (3, 1, 40)
    assert (found.of_p.sample, found.shift_of_p) == (80, 40)
    found = rows.rows_of(x[:, ::-1], p, x)
    assert (found.n_samples, found.n_channels, found.n_pixels) == (3, 2, 20)
    assert (found.of_value.channel, found.of_p.channel) == (-20, 20)
    found = rows.rows_of(np.zeros((2, 7)).T, np.zeros((4, 7)).T)
    assert (found.n_samples, found.n_channels, found.n_pixels) == (1, 2, 7)
    assert (found.pixels_are_samples, found.shift_of_p) == (1, 14)
    for misfit in (
        (x, p.astype("f")),
        (x, p.astype("int64")),
        (np.zeros((3, 2, 1), "f"), np.zeros((3, 4, 1))),
        (x[..., ::2], p[..., ::2]),
        (x, p[..., ::-1]),
        (in_layout(x, "record"), p),
        (np.zeros((7, 2)), np.zeros((7, 4))),
        (np.zeros(481, "u1")[1:].view("f8").reshape(3, 2, 10), np.zeros((3, 4, 10))),
    ):
        assert rows.rows_of(*misfit) is None
