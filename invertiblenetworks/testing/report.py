"""``check_layer`` and ``check_net``: all checks of one layer, with a report."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .._types import Shape
from ..base import Bijection, Layer, Net
from ..errors import describe, expect_in, message
from .cases import Case, Factory, prepare
from .checks import CHECKS, Check

Build = Callable[[Factory], Bijection | Net]


@dataclass(frozen=True)
class Outcome:
    """What one check found.

    Attributes
    ----------
    check : Check
        Which check.
    status : {"ok", "FAILED", "left out"}
        How it went.
    text : str
        What was measured, what is wrong, or why the check does not apply.
    diagnosed : bool, default True
        Whether a failure means what the check is for; not so if a hook is missing.
    """

    check: Check
    status: str
    text: str
    diagnosed: bool = True

    def __str__(self) -> str:
        lines = self.text.split("\n")
        if self.status == "FAILED" and self.diagnosed:
            lines.append(f"This means: {self.check.meaning}")
        margin = "\n" + " " * 32
        return f"{self.status:9s} {self.check.name:21s} " + margin.join(lines)


@dataclass(frozen=True)
class Report:
    """The outcomes of all checks; ``str`` lists them.

    Attributes
    ----------
    name : str
        Of the layer.
    outcomes : list of Outcome
        One per check.
    """

    name: str
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def failures(self) -> list[Outcome]:
        """The outcomes of the checks that failed."""
        return [outcome for outcome in self.outcomes if outcome.status == "FAILED"]

    @property
    def ok(self) -> bool:
        """True if no check failed."""
        return not self.failures

    def raise_for_failures(self) -> None:
        """Raise ``AssertionError`` with the failures, if there are any."""
        if not self.ok:
            raise AssertionError("\n".join([self.name, *map(str, self.failures)]))

    def __str__(self) -> str:
        counts = [
            f"{sum(o.status == status for o in self.outcomes)} {status}"
            for status in ("ok", "FAILED", "left out")
        ]
        head = f"{self.name}: {', '.join(counts)}"
        return "\n".join([head, *map(str, self.outcomes)])


def check_layer(
    layer: Bijection | Build,
    shape: Shape | tuple[Shape, ...],
    *,
    cond_shape: Shape | None = None,
    context: Callable[[Factory], object] | None = None,
    smooth: bool = True,
    tol: float = 1.0,
    exclude: Mapping[str, str] | None = None,
    gpu: bool = False,
    verbose: bool = True,
    raise_on_failure: bool = False,
) -> Report:
    """Run all checks on a bijection: inverse, gradients, Jacobians, behaviour, errors.

    Parameters
    ----------
    layer : Bijection or callable
        The layer; copies of it are checked. Or a function that returns a new one from
        a ``Factory``, which has ``dtype`` and ``rng``: then construction in both
        dtypes and initialisation by the first batch are checked too.
    shape : tuple of int, or pair of such
        Shape of an input; a small one, of less than 200 numbers and 2 samples or more.
    cond_shape : tuple of int, optional
        Shape of the condition, for a layer with one that has a gradient.
    context : callable, optional
        Returns the condition of a layer with ``cond_kind`` "context".
    smooth : bool, default True
        False leaves out the Taylor tests: for ReLU and other kinks.
    tol : float, default 1
        Factor on all tolerances.
    exclude : mapping of str to str, optional
        Names of checks to leave out, with the reason.
    gpu : bool, default False
        Check on CuPy arrays.
    verbose : bool, default True
        Print the report.
    raise_on_failure : bool, default False
        Raise ``AssertionError`` if a check fails.

    Returns
    -------
    Report
        With ``ok`` and ``outcomes``.

    Raises
    ------
    TypeError
        If the layer is no bijection.
    ValueError
        If ``exclude`` names no check.

    Examples
    --------
    >>> from invertiblenetworks import ActNorm
    >>> build = lambda f: ActNorm(3, dtype=f.dtype)
    >>> check_layer(build, (2, 3, 4), verbose=False).ok
    True
    """
    case = _case_of(layer, shape, cond_shape, context, smooth, tol, exclude)
    return _run(case, Bijection, "check_layer", gpu, verbose, raise_on_failure)


def check_net(
    net: Net | Build,
    shape: Shape,
    *,
    cond_shape: Shape | None = None,
    smooth: bool = True,
    tol: float = 1.0,
    exclude: Mapping[str, str] | None = None,
    gpu: bool = False,
    verbose: bool = True,
    raise_on_failure: bool = False,
) -> Report:
    """Run all checks on a net; parameters and result are those of ``check_layer``.

    Examples
    --------
    >>> from invertiblenetworks import Dense
    >>> build = lambda f: Dense(3, 2, dtype=f.dtype, rng=f.rng)
    >>> check_net(build, (4, 3), verbose=False).ok
    True
    """
    case = _case_of(net, shape, cond_shape, None, smooth, tol, exclude)
    return _run(case, Net, "check_net", gpu, verbose, raise_on_failure)


def run_check(check: Check, case: Case, *, gpu: bool = False) -> Outcome:
    """Run one check on a case, if it applies."""
    reason = check.reason_against(case)
    if reason:
        return Outcome(check, "left out", reason)
    try:
        return Outcome(check, "ok", str(check.run(prepare(case, gpu=gpu))))
    except NotImplementedError as error:
        return Outcome(check, "FAILED", f"needs what is not there: {error}", False)
    except Exception as error:
        text = str(error)
        if not isinstance(error, AssertionError):
            text = f"{type(error).__name__}: {error}"
        return Outcome(check, "FAILED", text)


def _case_of(layer, shape, cond_shape, context, smooth, tol, exclude):
    build = layer
    if isinstance(layer, Layer):

        def build(factory):
            return copy.deepcopy(layer).to_cpu().astype(factory.dtype)

    name = type(layer).__name__ if isinstance(layer, Layer) else "layer"
    exclude = {} if exclude is None else dict(exclude)
    return Case(name, build, shape, cond_shape, context, tol, smooth, exclude)


def _run(case, kind, where, gpu, verbose, raise_on_failure):
    known = tuple(check.name for check in CHECKS)
    for name in case.exclude:
        expect_in(where, known, exclude=name.split(":")[0])
    layer = case.build(Factory())
    if not isinstance(layer, kind):
        raise TypeError(message(where, f"a {kind.__name__}", describe(layer)))
    outcomes = [run_check(check, case, gpu=gpu) for check in CHECKS]
    report = Report(type(layer).__name__, outcomes)
    if verbose:
        print(report)
    if raise_on_failure:
        report.raise_for_failures()
    return report
