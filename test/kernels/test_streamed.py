"""The streamed conditioner against convolutions of whole images."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest
from sharing import share_all_work
from threadpoolctl import threadpool_limits

from invertiblenetworks import ResidualBlock
from invertiblenetworks.kernels import (
    conv_cuts,
    parts,
    streamed_pointwise,
    workspace,
)
from invertiblenetworks.kernels.compiled import block as compiled_block
from invertiblenetworks.kernels.compiled import convolution
from invertiblenetworks.kernels.streamed import streamed_block as make

pytestmark = pytest.mark.usefixtures("each_library")


class Case(NamedTuple):
    """A block; without ``pad`` the first convolution keeps the size."""

    ndims: int
    k1: int
    k2: int
    activation: str = "relu"
    stride: int = 1
    pad: int | None = None


CASES = [
    *(
        Case(ndims, k1, k2, activation)
        for ndims, k1, k2 in itertools.product((1, 2, 3), (1, 3), (1, 3))
        for activation in ("relu", "sigmoid")
    ),
    Case(2, 5, 1),
    Case(2, 3, 5, "leaky_relu"),
    Case(0, 1, 1),
    Case(0, 1, 1, "tanh"),
    Case(2, 2, 3, "sigmoid", stride=2, pad=0),
    Case(2, 4, 1, stride=2, pad=1),
    Case(2, 3, 3, pad=0),
    Case(2, 1, 1, pad=1),
    Case(1, 4, 3, stride=4, pad=1),
    Case(3, 2, 1, stride=2, pad=0),
]
SPATIAL = {0: (), 1: (9,), 2: (6, 5), 3: (4, 2, 3)}
STRIDED_SPATIAL = {1: (10,), 2: (6, 4), 3: (4, 2, 6)}


@pytest.fixture(params=[None, 1, 7, 16], ids=lambda n: f"{n or 'many'} pixels")
def tile(request, monkeypatch):
    """Tiles of rows, of whole samples, of several, and of all."""
    if request.param:
        monkeypatch.setattr(streamed_pointwise, "TILE_BYTES", 1)
        monkeypatch.setattr(streamed_pointwise, "LEAST_PIXELS", request.param)
        monkeypatch.setattr(compiled_block, "TILE_BYTES", 1)
        monkeypatch.setattr(convolution, "TILE_BYTES", 1)
        monkeypatch.setattr(conv_cuts, "HOST_BYTES", 1)
        monkeypatch.setattr(conv_cuts, "CORRELATED_BYTES", 1)
        monkeypatch.setattr(conv_cuts, "HOST_PIXELS", request.param)
        monkeypatch.setattr(parts, "FLAT_ENTRIES", request.param)


def block(case, rng, dtype="float64", n_hidden=5):
    ndims, k1, k2, activation, stride, pad = case
    net = ResidualBlock(
        3,
        n_hidden,
        n_out=4,
        **dict(k1=k1, s1=stride, p1=k1 // 2 if pad is None else pad),
        **dict(k2=k2, p2=k2 // 2, ndims=ndims),
        activation=activation,
        fan=True,
        dtype=dtype,
    )
    for parameter in net.get_params():
        parameter.set(rng.standard_normal(parameter.shape).astype(dtype))
    spatial = (SPATIAL if stride == 1 else STRIDED_SPATIAL)[ndims]
    x = rng.standard_normal((3, 3, *spatial)).astype(dtype)
    return net, x


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_layout_of_parameters_does_not_matter(case, rng):
    net, x = block(case, rng)
    wanted = net.forward(x)
    for parameter in net.get_params():
        parameter.data = np.asfortranarray(parameter.data)
    np.testing.assert_allclose(net.forward(x), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("small_kernels")
@pytest.mark.parametrize("n_hidden", [5, 8])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_same_as_the_plain_path(case, n_hidden, tile, rng):
    net, x = block(case, rng, n_hidden=n_hidden)
    dy = rng.standard_normal((3, 4, *x.shape[2:]))
    parameters = [net.W1, net.b1, net.W2, net.b2, net.W3]
    kernel = make(x, [p.data for p in parameters], net.activation, **net._outer)
    y, pull = kernel.linearize(x)
    dx, gradients = pull(dy)

    found = {}
    y_plain, pull_plain = net._linearize_plain(x)
    dx_plain, _ = pull_plain(dy, lambda p, gradient: found.update({id(p): gradient}))
    pairs = [(y, y_plain), (kernel.forward(x), y_plain), (dx, dx_plain)]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        assert gradient.shape == parameter.shape
        pairs.append((gradient, found[id(parameter)]))
    for ours, plain in pairs:
        scale = np.abs(plain).max()
        np.testing.assert_allclose(ours, plain, rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize("n_workers", [2, 3])
@pytest.mark.parametrize("n_samples", [1, 3])
@pytest.mark.parametrize("k1", [1, 3])
def test_a_block_on_its_own_shares_convolutions(
    k1, n_samples, n_workers, rng, monkeypatch
):
    """Where the batch is one piece, the convolutions inside use the workers."""
    share_all_work(monkeypatch)
    monkeypatch.setattr(conv_cuts, "HOST_PIXELS", 7)
    monkeypatch.setattr(conv_cuts, "HOST_BYTES", 1)
    net, x = block(Case(2, k1, 3), rng)
    dy = rng.standard_normal((n_samples, 4, 6, 5))
    kernel = net._streamed(x[:n_samples])
    results = []
    for number in (1, n_workers, n_workers):
        with threadpool_limits(number, user_api="blas"):
            y, pull = kernel.linearize(x[:n_samples])
            dx, gradients = pull(dy)
            results.append([kernel.forward(x[:n_samples]), y, dx, *gradients])
    for alone, shared, again in zip(*results, strict=True):
        np.testing.assert_allclose(shared, alone, rtol=1e-11, atol=1e-11)
        np.testing.assert_array_equal(again, shared)


def test_memory_is_not_free_while_it_is_read(rng, monkeypatch):
    net, x = block(Case(2, 3, 3), rng)
    kernel, seen = net._streamed(x), []
    third = kernel._third

    def watched(h2, x):
        free = workspace._here.store.free
        seen.append(any(np.shares_memory(h2, memory) for memory in free))
        return third(h2, x)

    monkeypatch.setattr(kernel, "_third", watched)
    kernel.forward(x)
    kernel.linearize(x)
    assert seen == [False, False]


@pytest.mark.parametrize("k2", [1, 3])
def test_a_pull_can_be_used_again_and_beside_others(k2, rng):
    net, x = block(Case(2, 3, k2), rng)
    kernel = net._streamed(x)
    dy = rng.standard_normal((3, 4, 6, 5))
    _, pull = kernel.linearize(x)
    dx, gradients = pull(dy)
    _, other_pull = kernel.linearize(x[::-1].copy())
    other_dx, _ = other_pull(dy[::-1].copy())
    again, gradients_again = pull(dy)
    np.testing.assert_array_equal(again, dx)
    np.testing.assert_allclose(other_dx[::-1], dx, rtol=1e-12)
    for first, second in zip(gradients, gradients_again, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("k2", [1, 3])
def test_keeps_the_type_and_takes_any_strides(k2, rng):
    net, x = block(Case(2, 3, k2), rng, "float32")
    strided = np.asfortranarray(x)
    y, pull = net._streamed(x).linearize(strided)
    dx, gradients = pull(np.asfortranarray(y))
    assert {a.dtype for a in (y, dx, *gradients)} == {np.dtype("float32")}
    np.testing.assert_allclose(y, net.forward(x), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("activation", ["relu", "exp_clamp", "sigmoid"])
def test_what_lies_between_rows_does_not_grow(activation, rng):
    """Rows of 20 and of 17 pixels are as far apart, so they leave different gaps."""
    net, _ = block(Case(1, 3, 1, activation), rng, "float32")
    for n, number in ((20, 1), (17, 500)):
        x = rng.standard_normal((1, 3, n)).astype("float32")
        dy = rng.standard_normal((1, 4, n)).astype("float32")
        with np.errstate(all="raise", under="ignore"):
            for _ in range(number):
                net._streamed(x).linearize(x)[1](dy)


def test_a_call_that_diverged_leaves_nothing_behind(rng):
    net, x = block(Case(1, 3, 1, "sigmoid"), rng, "float32")
    wanted = net._streamed(x).linearize(x)[1](x[:, :1].repeat(4, 1))[0]
    with np.errstate(all="ignore"):
        net._streamed(x).linearize(np.full_like(x, np.nan))[1](x[:, :1].repeat(4, 1))
    found = net._streamed(x).linearize(x)[1](x[:, :1].repeat(4, 1))[0]
    np.testing.assert_array_equal(found, wanted)
