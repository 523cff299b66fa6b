"""Wrong arguments: the right exception, a message that helps, and nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..backend import get_array_module, to_cpu
from ..base import InverseProblemMixin, PairMixin
from ..errors import NotInitializedError
from .cases import Subject
from .measured import Measured
from .modes import Arguments, arrays_taken, mixes_nothing, modes_of, signatures_of
from .numeric import arrays_in, map_arrays
from .snapshot import changes, snapshot

STATES = ("x", "y")
SLOPES = ("dx", "dy")


@dataclass(frozen=True)
class Probe:
    """One way of calling a mode wrongly.

    Attributes
    ----------
    kind : str
        What is wrong; ``Case.exclude`` may name it as ``"bad_arguments:<kind>"``.
    error : type
        The exception that should come.
    mode : str
        The mode to call.
    arguments : Arguments
        The arguments to call it with.
    """

    kind: str
    error: type[Exception]
    mode: str
    arguments: Arguments


def bad_arguments(subject: Subject) -> Measured:
    """Every mode refuses wrong arguments before doing anything.

    Kinds: channels, rank, empty, type, dtype, derivative, dtheta, condition, structure,
    device, uninitialised.
    """
    found, excluded = Measured(), subject.case.exclude
    arguments = Arguments.draw(subject)
    modes_of(subject)["backward"](arguments)  # Gradients must survive, too.
    for probe in _probes(subject, arguments):
        if f"bad_arguments:{probe.kind}" not in excluded:
            _check_refusal(subject, probe, found)
    if subject.case.traits.data_dependent:
        _check_uninitialised(subject, arguments, found)
    return found


def _check_refusal(subject, probe, found):
    layer = subject.layer
    before = snapshot(layer)
    detail = f"Wrong {probe.kind} in {probe.mode}"
    start = f"{type(layer).__name__}.{probe.mode}: expected"
    try:
        modes_of(subject)[probe.mode](probe.arguments)
    except probe.error as error:
        worded = str(error).startswith(start)
        found.holds("messages name the method", worded, f"{detail}: {error}")
    except Exception as error:
        text = f"{detail} raised {type(error).__name__}: {error}"
        found.holds(f"{probe.error.__name__} for wrong arguments", False, text)
    else:
        text = f"{detail} raised nothing"
        found.holds(f"{probe.error.__name__} for wrong arguments", False, text)
    changed = changes(before, snapshot(layer))
    found.holds("nothing changed", not changed, f"{detail} changed {changed}")


def _check_uninitialised(subject, arguments, found):
    """Before the first batch, and a wrong first batch must not set anything."""
    fresh = replace(subject, layer=subject.fresh_layer())
    for mode in modes_of(fresh):
        if mode not in ("forward", "inverse"):
            probe = Probe("uninitialised", NotInitializedError, mode, arguments)
            _check_refusal(fresh, probe, found)
    for probe in _probes(fresh, arguments):
        known = f"bad_arguments:{probe.kind}" in subject.case.exclude
        if probe.mode in ("forward", "inverse") and not known:
            _check_refusal(fresh, probe, found)


def _probes(subject: Subject, arguments: Arguments) -> Iterator[Probe]:
    for mode, names in signatures_of(subject).items():
        for kind, error, wrong in (
            *_wrong_states(subject, arguments),
            *_wrong_kinds(subject, mode, arguments),
            *_wrong_directions(subject, arguments, names),
            *_wrong_conditions(subject, arguments),
        ):
            yield Probe(kind, error, mode, wrong)


def _wrong_states(subject, a):
    """States, and with them their derivatives, of a wrong shape."""
    batches = STATES + SLOPES
    if subject.array_cond is not None:
        batches += ("cond",)
    yield "channels", ValueError, _with(a, STATES + SLOPES, _one_more_channel)
    yield "rank", ValueError, _with(a, STATES + SLOPES, _without_channels)
    yield "empty", ValueError, _with(a, batches, lambda v: v[:0])


def _wrong_kinds(subject, mode, a):
    """One argument that is no array, no float array, or of the other library."""
    taken = arrays_taken(subject, mode, a)
    for name in taken:
        yield "type", TypeError, _with(a, (name,), lambda v: to_cpu(v).tolist())
        yield "dtype", TypeError, _with(a, (name,), lambda v: v.astype("int64"))
        if subject.gpu and not mixes_nothing(subject, taken):
            yield "device", TypeError, _with(a, (name,), to_cpu)
    if not isinstance(subject.layer, PairMixin):
        wrong = replace(a, x=_other_structure(a.x), y=_other_structure(a.y))
        yield "structure", ValueError, wrong


def _wrong_directions(subject, a, names):
    """Derivatives that do not fit what they belong to."""
    if "dx" in names or "dy" in names:
        yield "derivative", ValueError, _with(a, SLOPES, _one_more_channel)
    if "dtheta" not in names:
        return
    if a.dcond is not None:
        yield "derivative", ValueError, _with(a, ("dcond",), _one_more_channel)
    elif not isinstance(subject.layer, InverseProblemMixin):
        yield "derivative", TypeError, replace(a, dcond=arrays_in(a.x)[0])
    one = arrays_in(a.x)[0]
    yield "dtheta", ValueError, replace(a, dtheta=[*a.dtheta, one])
    yield "dtheta", TypeError, replace(a, dtheta=one)
    if a.dtheta:
        longer = get_array_module(one).stack([a.dtheta[-1]] * 2)
        yield "dtheta", ValueError, replace(a, dtheta=[*a.dtheta[:-1], longer])


def _wrong_conditions(subject, a):
    if subject.layer.cond_kind == "none":
        yield "condition", TypeError, replace(a, cond=arrays_in(a.x)[0])
        return
    yield "condition", TypeError, replace(a, cond=None)
    if subject.array_cond is not None:
        yield "condition", ValueError, _with(a, ("cond", "dcond"), lambda v: v[1:])
        wider = _with(a, ("cond", "dcond"), _one_more_channel)
        yield "condition", ValueError, wider


def _with(arguments, names, function):
    """Change the arrays of the named arguments."""
    changed = {n: map_arrays(function, getattr(arguments, n)) for n in names}
    return replace(arguments, **changed)


def _one_more_channel(a):
    return get_array_module(a).concatenate([a, a[:, :1]], axis=1)


def _without_channels(a):
    return a.reshape(a.shape[0], -1)[:, 0]


def _other_structure(value):
    """A pair in place of an array, an array in place of a pair."""
    return value[0] if isinstance(value, tuple) else (value, value)
