"""The list of all checks: what each one is, when it applies, what a failure means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .cases import Case, Subject
from .checks_arrays import batch_independent, dtypes, noncontiguous
from .checks_calls import (
    accumulates,
    adjoint_is_pure,
    inputs_untouched,
    no_call_state,
    no_synchronisation,
)
from .checks_derivatives import dense_jacobian, dot_test, gradient_entries
from .checks_errors import bad_arguments
from .checks_inverse import (
    invertible,
    logdet_dense,
    logdet_option,
    reconstruction,
    reverse_modes,
)
from .checks_parameters import first_batch, frozen, params, save_load
from .checks_taylor import (
    backward_inv,
    shared,
    taylor_gradient,
    taylor_jvp,
    vjp_matches_backward,
)
from .measured import Measured

DENSE_LIMIT = 400
"""Dense Jacobians are made for inputs of at most this many numbers."""

Rule = Callable[[Case], str]
"""Returns why a check does not apply to a case; an empty text if it does."""


# --- rules: when a check applies ------------------------------------------------------


def if_bijection(case: Case) -> str:
    """For checks of an inverse."""
    return "a net has no inverse" if case.traits.is_net else ""


def if_smooth(case: Case) -> str:
    """For Taylor tests."""
    return "" if case.smooth else "not differentiable everywhere, so no Taylor order"


def if_small(case: Case) -> str:
    """For dense Jacobians."""
    fits = case.traits.size <= DENSE_LIMIT
    return "" if fits else f"input of more than {DENSE_LIMIT} numbers"


def if_parameters(case: Case) -> str:
    """For checks of parameters."""
    return "" if case.traits.n_params else "no parameters"


def if_data_dependent(case: Case) -> str:
    """For layers that the first batch initialises."""
    return "" if case.traits.data_dependent else "nothing depends on the first batch"


def if_shape_kept(case: Case) -> str:
    """For a layer applied to its own output."""
    return "" if case.traits.keeps_shape else "output and input differ in shape"


def if_samples_apart(case: Case) -> str:
    """For checks that take single samples."""
    is_context = case.traits.cond_kind == "context"
    return "a context cannot be cut into samples" if is_context else ""


@dataclass(frozen=True)
class Check:
    """One property that every layer must have.

    Attributes
    ----------
    run : callable
        Takes a fresh ``Subject``; returns what was measured or raises
        ``AssertionError``.
    meaning : str
        What a failure says about the layer.
    rules : tuple of callable
        When it applies.
    """

    run: Callable[[Subject], Measured]
    meaning: str
    rules: tuple[Rule, ...] = ()

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.run.__name__

    def reason_against(self, case: Case) -> str:
        """Return why the check does not apply to a case; empty if it does."""
        if self.name in case.exclude:
            return case.exclude[self.name]
        reasons = (rule(case) for rule in self.rules)
        return next((reason for reason in reasons if reason), "")


CHECKS = (
    Check(
        invertible,
        "_forward and _inverse do not undo each other, or a log-determinant has the "
        "wrong sign in one of them. An epsilon in a division shows here.",
        (if_bijection,),
    ),
    Check(
        reconstruction,
        "a gradient or a Jacobian recomputes the state wrongly.",
        (if_bijection,),
    ),
    Check(
        logdet_option,
        "the log-determinant is not the one of log_abs_det, or not one per sample.",
        (if_bijection,),
    ),
    Check(
        logdet_dense,
        "the log-determinant is not that of the Jacobian: a factor, a sign, or a term "
        "is wrong (or _jacobian is: see taylor_jvp).",
        (if_bijection, if_small),
    ),
    Check(
        reverse_modes,
        "a mode of the reversed layer is not its twin of the layer.",
        (if_bijection,),
    ),
    Check(
        dot_test,
        "_backward is not the adjoint of _jacobian in the block named, or for the "
        "inverse map. The factor often tells what was forgotten.",
    ),
    Check(
        dense_jacobian,
        "an entry of the Jacobian differs between _jacobian and _backward.",
        (if_small,),
    ),
    Check(
        gradient_entries,
        "the gradient of the entry named is not the derivative of the function.",
        (if_small,),
    ),
    Check(
        taylor_gradient,
        "_backward does not return the gradient of the function computed by _forward.",
        (if_smooth,),
    ),
    Check(
        taylor_jvp,
        "_jacobian is not the derivative of _forward, or _jacobian_inv of _inverse.",
        (if_smooth,),
    ),
    Check(
        backward_inv,
        "_backward_inv does not return the gradient of _inverse.",
        (if_bijection, if_smooth),
    ),
    Check(
        vjp_matches_backward,
        "backward and adjoint_jacobian disagree: gradients depend on where they go.",
    ),
    Check(
        shared,
        "a layer used twice loses one of its two gradients: it writes grad instead of "
        "calling add_grad, or keeps something of a call.",
        (if_bijection, if_parameters, if_shape_kept, if_smooth),
    ),
    Check(
        accumulates,
        "gradients are overwritten instead of added, or share memory.",
        (if_parameters,),
    ),
    Check(
        adjoint_is_pure,
        "a mode other than backward writes Parameter.grad; call add_grad only.",
        (if_parameters,),
    ),
    Check(
        frozen,
        "freezing a parameter does more, or less, than leaving out its gradient.",
        (if_parameters,),
    ),
    Check(
        inputs_untouched,
        "a hook works in place on an array that belongs to the caller.",
    ),
    Check(
        no_call_state,
        "a hook stores something of a call on the layer, or changes a parameter.",
    ),
    Check(
        no_synchronisation,
        "on a GPU the host waits or copies: float(), item(), if on an array, a mask.",
    ),
    Check(
        dtypes,
        "a float32 array becomes float64 on the way (NumPy numbers do that), or "
        "arrays of two types are mixed without an error.",
    ),
    Check(
        noncontiguous,
        "the result depends on the memory layout of an argument.",
    ),
    Check(
        batch_independent,
        "samples influence each other, or one sample alone is treated differently.",
        (if_samples_apart,),
    ),
    Check(
        params,
        "parameters are listed twice or in changing order, or cannot be set.",
        (if_parameters,),
    ),
    Check(
        save_load,
        "a saved layer is not the same after loading.",
        (if_parameters,),
    ),
    Check(
        first_batch,
        "the first batch does not initialise, or a later one does so again.",
        (if_data_dependent,),
    ),
    Check(
        bad_arguments,
        "a wrong argument is taken silently, or reported too late or unclearly: "
        "complete _check_shape.",
    ),
)
"""All checks. Those that need no inverse are made for nets too."""
