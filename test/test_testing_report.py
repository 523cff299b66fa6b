"""``check_layer`` and ``check_net``: what they say of right and of wrong layers."""

from __future__ import annotations

import pytest

import invertiblenetworks as inn
from invertiblenetworks.compose import ChannelSplit
from invertiblenetworks.testing import CHECKS, Case, check_layer, check_net, run_check
from invertiblenetworks.testing.snapshot import changes, snapshot


class Sloppy(inn.ActNorm):
    """Its inverse is wrong in the eighth digit."""

    def _inverse(self, y, cond):
        x, ld = super()._inverse(y, cond)
        return x * (1.0 + 1e-8), ld


def test_report_of_a_correct_layer(capsys):
    report = check_layer(lambda f: inn.ActNorm(2, dtype=f.dtype), (2, 2, 3))
    assert report.ok
    assert not report.failures
    report.raise_for_failures()
    printed = capsys.readouterr().out
    assert printed.rstrip("\n") == str(report)
    assert printed.startswith(f"ActNorm: {len(CHECKS)} ok, 0 FAILED, 0 left out")
    assert len(report.outcomes) == len(CHECKS) == len(printed.splitlines()) - 1


def test_report_of_a_wrong_layer(capsys):
    report = check_layer(lambda f: Sloppy(2, dtype=f.dtype), (2, 2, 3), verbose=False)
    assert capsys.readouterr().out == ""
    assert not report.ok
    failed = {outcome.check.name for outcome in report.failures}
    assert "invertible" in failed
    assert "accumulates" not in failed
    assert "should be at most 1e-12" in str(report.failures[0])
    assert "This means: " in str(report.failures[0])
    with pytest.raises(AssertionError, match=r"^Sloppy\nFAILED +invertible"):
        report.raise_for_failures()
    with pytest.raises(AssertionError, match="should be at most"):
        check_layer(
            lambda f: Sloppy(2, dtype=f.dtype),
            (2, 2, 3),
            verbose=False,
            raise_on_failure=True,
        )


def test_a_layer_itself_can_be_given_and_is_left_alone(rng):
    layer = inn.ActNorm(2)
    layer.forward(rng.random((4, 2, 3)).astype("float32"))
    before = snapshot(layer)
    report = check_layer(layer, (2, 2, 3), verbose=False)
    assert report.ok
    assert changes(before, snapshot(layer)) == []
    left_out = [o.check.name for o in report.outcomes if o.status == "left out"]
    assert left_out == ["first_batch"]


def test_options_of_check_layer():
    def build(f):
        return inn.CouplingLayerGlow(2, 2, k1=1, p1=0, dtype=f.dtype, rng=f.rng)

    report = check_layer(
        build,
        (2, 2, 2, 2),
        smooth=False,
        exclude={"dtypes": "of no interest"},
        verbose=False,
    )
    left_out = {o.check.name: o.text for o in report.outcomes if o.status == "left out"}
    assert report.ok
    assert left_out["dtypes"] == "of no interest"
    assert "not differentiable everywhere" in left_out["taylor_gradient"]
    assert "gradient_entries" not in left_out


def test_tolerance_is_a_factor():
    build = lambda f: Sloppy(2, dtype=f.dtype)  # noqa: E731
    check = next(check for check in CHECKS if check.name == "invertible")
    assert run_check(check, Case("c", build, (2, 2, 3))).status == "FAILED"
    assert run_check(check, Case("c", build, (2, 2, 3), tol=1e5)).status == "ok"


def test_a_layer_that_breaks_is_reported_not_raised():
    class Broken(inn.ActNorm):
        def _jacobian(self, dx, dcond, tangent, x, cond):
            return 1 / 0

    report = check_layer(lambda f: Broken(2, dtype=f.dtype), (2, 2, 3), verbose=False)
    texts = {outcome.check.name: outcome.text for outcome in report.failures}
    assert texts["dot_test"] == "ZeroDivisionError: division by zero"


class Moved(inn.Bijection):
    """Adds a number from an object that is no array of the layer."""

    cond_kind = "context"

    def _forward(self, x, cond):
        return x + cond["by"], 0.0 * x[:, 0]

    def _inverse(self, y, cond):
        return y - cond["by"], 0.0 * y[:, 0]

    def _backward(self, dy, dld, y, cond, add_grad):
        return dy, y - cond["by"], None

    def _backward_inv(self, dx, dld, x, cond, add_grad):
        return dx, x + cond["by"], None

    def _jacobian(self, dx, dcond, tangent, x, cond):
        return dx, x + cond["by"], 0.0 * x[:, 0], 0.0 * x[:, 0]

    def _jacobian_inv(self, dy, dcond, tangent, y, cond):
        return dy, y - cond["by"], 0.0 * y[:, 0], 0.0 * y[:, 0]

    def _check_shape(self, shape, cond_shape, inverse):
        self._expect_array(shape)
        self._expect(len(shape) == 2 and shape[1] == 3, "(N, 3)", f"{shape}")
        return shape


def test_conditions():
    def build(f):
        net = inn.ConcatCond(inn.Dense(3, 2, dtype=f.dtype, rng=f.rng))
        split = ChannelSplit(1)
        return inn.Coupling(net, inn.AffineTransformer(), split)

    assert check_layer(build, (3, 2), cond_shape=(3, 2), verbose=False).ok


def test_a_context_is_passed_through():
    report = check_layer(
        lambda f: Moved(), (2, 3), context=lambda f: {"by": 2.0}, verbose=False
    )
    report.raise_for_failures()
    left_out = {o.check.name: o.text for o in report.outcomes if o.status == "left out"}
    assert left_out["batch_independent"] == "a context cannot be cut into samples"


def test_report_of_nets():
    report = check_net(
        lambda f: inn.Dense(2, 3, dtype=f.dtype, rng=f.rng), (3, 2), verbose=False
    )
    assert report.ok
    left_out = {o.check.name: o.text for o in report.outcomes if o.status == "left out"}
    assert left_out["invertible"] == "a net has no inverse"
    assert "dot_test" not in left_out


def test_nets_and_layers_are_not_confused():
    with pytest.raises(TypeError, match=r"^check_layer: expected a Bijection, got"):
        check_layer(inn.Dense(2, 2), (2, 2), verbose=False)
    with pytest.raises(TypeError, match=r"^check_net: expected a Net, got"):
        check_net(inn.Swap(), (2, 2), verbose=False)


def test_only_checks_can_be_excluded():
    with pytest.raises(
        ValueError, match=r"^check_layer: expected exclude to be one of"
    ):
        check_layer(inn.Swap(), ((2, 2), (2, 2)), exclude={"dot": "a slip"})
