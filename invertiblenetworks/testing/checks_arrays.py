"""Checks of the arrays that go in and come out: layouts, batches, dtypes."""

from __future__ import annotations

from dataclasses import replace

from ..backend import get_array_module
from ..kernels.channels import batch_size
from .cases import Factory, Subject
from .measured import Measured
from .modes import Arguments, arrays_taken, mixes_nothing, modes_of, run_modes
from .numeric import arrays_in, map_arrays
from .numeric import relative_error as error

SAME = 1e-13
SINGLE = 2e-4
"""Largest relative difference between float32 and float64, for well-scaled layers."""


def noncontiguous(subject: Subject) -> Measured:
    """Arrays of any memory layout give the same results."""
    arguments, found = Arguments.draw(subject), Measured()
    wanted = run_modes(subject, arguments)
    for layout, rearrange in LAYOUTS.items():
        results = run_modes(subject, arguments.map(rearrange))
        for name, result in results.items():
            difference = error(result, wanted[name])
            detail = f"{name} of {layout} arrays"
            bound = subject.bound(SAME)
            found.at_most("difference to contiguous arrays", difference, bound, detail)
    return found


def _strided(a):
    """Every second entry of an array twice as long."""
    wide = get_array_module(a).zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    view = wide[..., ::2]
    view[...] = a
    return view


def _transposed(a):
    """First axis fastest."""
    return get_array_module(a).ascontiguousarray(a.T).T


def _backwards(a):
    """Negative strides."""
    reverse_all = (slice(None, None, -1),) * a.ndim
    return get_array_module(a).ascontiguousarray(a[reverse_all])[reverse_all]


LAYOUTS = {"strided": _strided, "transposed": _transposed, "backwards": _backwards}


def batch_independent(subject: Subject) -> Measured:
    """Samples do not influence each other, and may come in any number and order."""
    arguments, found = Arguments.draw(subject), Measured()
    n_samples = batch_size(arguments.x)
    orders = {"backwards": slice(None, None, -1)}
    orders |= {f"sample {n} alone": slice(n, n + 1) for n in range(n_samples)}
    whole = _results_per_sample(subject, arguments, n_samples)
    for order, chosen in orders.items():
        part = arguments.map(lambda a, chosen=chosen: a[chosen].copy())
        part = replace(part, dtheta=arguments.dtheta)
        for name, result in _results_per_sample(subject, part, n_samples).items():
            wanted = map_arrays(lambda a, chosen=chosen: a[chosen], whole[name])
            detail = f"{name}, {order}"
            bound = subject.bound(SAME)
            found.at_most("difference", error(result, wanted), bound, detail)
    return found


def _results_per_sample(subject, a, n_samples):
    """Results with one entry per sample, seeded alike whatever the batch."""
    api = subject.api
    if subject.is_net:
        dx, _, *dcond = api.adjoint_jacobian(a.dy, a.x, a.cond)
        return {
            "forward": api.forward(a.x, a.cond),
            "jacobian": api.jacobian(a.dx, a.dtheta, a.x, a.cond, a.dcond)[0],
            "adjoint_jacobian": (dx, *dcond),
        }
    # The seed is spread over the batch.
    seed = {"dlogdet": 0.7 * batch_size(a.x) / n_samples}
    dx, _, _, *dcond = api.adjoint_jacobian(a.dy, a.y, a.cond, **seed)
    dy, _, _, *dcond_inv = api.adjoint_jacobian_inv(a.dx, a.x, a.cond, **seed)
    return {
        "forward": api.forward(a.x, a.cond)[0],
        "inverse": api.inverse(a.y, a.cond),
        "log_abs_det": api.log_abs_det(a.x, a.cond),
        "jacobian": api.jacobian(a.dx, a.dtheta, a.x, a.cond, a.dcond)[0],
        "jacobian_inv": api.jacobian_inv(a.dy, a.dtheta, a.y, a.cond, a.dcond)[0],
        "adjoint_jacobian": (dx, *dcond),
        "adjoint_jacobian_inv": (dy, *dcond_inv),
    }


def dtypes(subject: Subject) -> Measured:
    """float32 in, float32 out and close to float64; nothing is converted silently."""
    found = Measured()
    for dtype in ("float64", "float32"):
        types = {str(p.dtype) for p in subject.case.build(Factory(dtype)).get_params()}
        detail = f"{types}, not {dtype}"
        found.holds("parameters of the dtype asked for", types <= {dtype}, detail)
    single = subject.in_dtype("float32")
    arguments = Arguments.draw(subject)
    wanted = run_modes(subject, arguments)
    in_single = replace(
        arguments.map(lambda a: a.astype("float32")),
        cond=single.cond,
    )
    for name, result in run_modes(single, in_single).items():
        types = {str(a.dtype) for a in arrays_in(result)}
        found.holds("float32 out", types <= {"float32"}, f"{name} returned {types}")
        bound = subject.bound(SINGLE)
        found.at_most(
            "float32 from float64", error(result, wanted[name]), bound, f"In {name}"
        )
    _check_mixing(subject, arguments, found)
    return found


def _check_mixing(subject, arguments, found):
    """One argument in float32 and the others in float64 must be refused."""
    for name, mode in modes_of(subject).items():
        taken = arrays_taken(subject, name, arguments)
        if mixes_nothing(subject, taken):
            continue
        for argument in taken:
            value = getattr(arguments, argument)
            single = map_arrays(lambda a: a.astype("float32"), value)
            mixed = replace(arguments, **{argument: single})
            raised = _raises(TypeError, mode, mixed)
            detail = f"{name} took a float32 {argument} among float64"
            found.holds("mixed dtypes raise TypeError", raised, detail)
    subject.layer.clear_grad()


def _raises(kind, function, *arguments):
    try:
        function(*arguments)
    except kind:
        return True
    return False
